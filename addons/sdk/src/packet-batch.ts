/**
 * Where the MQTT codec writes to: packets gather here and leave as one write to the socket at the end of the
 * current task, so that a burst of readings costs few system calls.
 */
import { type Packet, writeToStream } from 'mqtt-packet';

// the codec would otherwise keep all 65,536 numbers as buffers, some megabytes
writeToStream.cacheNumbers = false;

const BATCH_BYTES = 16 * 1024;

export class PacketBatch {
  readonly #write: (bytes: Buffer) => void;
  #buffer: Buffer | undefined;
  #used = 0;
  #scheduled = false;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  add(packet: Packet): void {
    // the codec uses `write` and `destroy` of a stream, no more
    writeToStream(packet, this as unknown as NodeJS.WritableStream);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#used === 0 || !this.#buffer) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    // the socket may hold the bytes for a while: the next batch begins in what is left, or in a new buffer
    this.#buffer = this.#used > BATCH_BYTES / 2 ? undefined : this.#buffer.subarray(this.#used);
    this.#used = 0;
    this.#write(bytes);
  }

  /** For the codec: takes the next bytes of a packet. */
  write(chunk: string | Buffer): boolean {
    const size = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
    if (this.#buffer === undefined || this.#used + size > this.#buffer.length) {
      this.flush();
      if (size > BATCH_BYTES) {
        this.#write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
        return true;
      }
      this.#buffer = Buffer.allocUnsafeSlow(BATCH_BYTES);
    }
    if (typeof chunk === 'string') this.#buffer.write(chunk, this.#used);
    else chunk.copy(this.#buffer, this.#used);
    this.#used += size;
    return true;
  }

  /** For the codec: a packet that MQTT cannot express. */
  destroy(error: Error): void {
    throw error;
  }
}
