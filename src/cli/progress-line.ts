/** One line of a terminal that is overwritten as work goes on. The cursor stays where it is seen: nothing is left to mend. */
import type { WriteStream } from 'node:tty';

const ERASE = '\r\x1b[K';
const BAR_MAX_CHARS = 30;
const BAR_MIN_CHARS = 6;

export class ProgressLine {
  readonly #stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>;
  #shown = '';

  constructor(stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>) {
    this.#stream = stream;
  }

  /**
   * @param fraction 0 to 1; without it there is no bar
   * @param words undefined: the line goes
   * @returns false where this is no terminal
   */
  set(words: string | undefined, fraction?: number): boolean {
    if (!this.#stream.isTTY) return false;
    const line = words === undefined ? '' : lineOf(words, fraction, this.#stream.columns || 80);
    if (line !== this.#shown) {
      this.clear();
      this.#shown = line;
      this.show();
    }
    return true;
  }

  /** Makes room for other output; `show` brings it back. */
  clear(): void {
    if (this.#shown !== '') this.#stream.write(ERASE);
  }

  show(): void {
    if (this.#shown !== '') this.#stream.write(this.#shown);
  }
}

/** One column stays free: a full line would wrap, and could not be overwritten. */
export function lineOf(words: string, fraction: number | undefined, columns: number): string {
  const room = columns - 1;
  if (fraction === undefined) return words.slice(0, room);
  const share = Math.min(1, Math.max(0, fraction));
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const width = Math.min(BAR_MAX_CHARS, room - percent.length - words.length - 4);
  if (width < BAR_MIN_CHARS) return `${percent} ${words}`.slice(0, room);
  const full = Math.floor(share * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}]${percent}  ${words}`;
}
