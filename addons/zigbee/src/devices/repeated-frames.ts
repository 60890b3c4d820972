/**
 * Recognises a frame that came twice: a router that did not hear the acknowledgement sends it again, with the same
 * transaction number (ZCL, clause 2.4.1.3). A device that reports the same value anew counts up.
 */
export const REPEAT_WINDOW_MS = 2_000;
const REMEMBERED_MAX = 2_000;

export interface FrameMark {
  ieeeAddress: string;
  endpoint: number;
  cluster: string | number;
  type: string;
  transaction: number | undefined;
  data: unknown;
}

export class RepeatedFrames {
  /** When each was heard, oldest first. */
  readonly #heard = new Map<string, number>();

  /** Whether the frame is a repeat; either way it is remembered. `nowMs` only ever grows. */
  isRepeat({ ieeeAddress, endpoint, cluster, type, transaction, data }: FrameMark, nowMs: number): boolean {
    if (transaction === undefined) return false;
    const mark = `${ieeeAddress} ${endpoint} ${cluster} ${type} ${transaction} ${textOf(data)}`;
    const before = this.#heard.get(mark);
    this.#heard.delete(mark);
    this.#heard.set(mark, nowMs);
    if (this.#heard.size > REMEMBERED_MAX) {
      const [oldest] = this.#heard.keys();
      this.#heard.delete(oldest as string);
    }
    return before !== undefined && nowMs - before < REPEAT_WINDOW_MS;
  }
}

function textOf(data: unknown): string {
  return Buffer.isBuffer(data)
    ? data.toString('hex')
    : (JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)) ??
        '');
}
