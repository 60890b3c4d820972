/** Files on their way to the gateway, one after the other: how far they are, and a way to end it. */
import { sendFile } from './send-file.ts';

export interface FileToSend {
  /** Where the gateway takes it. */
  path: string;
  file: Blob;
}

export class Sending {
  #progress = $state.raw<{ sentBytes: number; ofBytes: number } | undefined>();
  #abort: AbortController | undefined;

  /** Undefined while nothing is sent. */
  get progress(): { sentBytes: number; ofBytes: number } | undefined {
    return this.#progress;
  }

  /** @returns whether all have arrived: false where it was ended by `end` @throws ApiError */
  async send(files: readonly FileToSend[]): Promise<boolean> {
    const abort = new AbortController();
    const ofBytes = files.reduce((sum, { file }) => sum + file.size, 0);
    let before = 0;
    this.#abort = abort;
    this.#progress = { sentBytes: 0, ofBytes };
    try {
      for (const { path, file } of files) {
        const onProgress = (bytes: number) => {
          this.#progress = { sentBytes: before + bytes, ofBytes };
        };
        await sendFile({ path, file, onProgress, signal: abort.signal });
        before += file.size;
      }
      return true;
    } catch (thrown) {
      if (abort.signal.aborted) return false;
      throw thrown;
    } finally {
      this.#progress = undefined;
    }
  }

  end(): void {
    this.#abort?.abort();
  }
}
