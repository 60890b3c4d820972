/**
 * Cuts a stream of text into lines. Bounded: of a line longer than `maxChars` the beginning is kept, the rest is
 * counted and said. Empty lines are left out.
 */
export class LineSplitter {
  readonly #maxChars: number;
  readonly #onLine: (line: string) => void;
  #line = '';
  #chars = 0;

  constructor(maxChars: number, onLine: (line: string) => void) {
    this.#maxChars = maxChars;
    this.#onLine = onLine;
  }

  push(chunk: string): void {
    let from = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
      this.#take(chunk.slice(from, end));
      this.#finish();
      from = end + 1;
    }
    this.#take(chunk.slice(from));
  }

  /** Gives out what stands after the last line's end. */
  end(): void {
    this.#finish();
  }

  #take(piece: string): void {
    this.#chars += piece.length;
    if (this.#line.length < this.#maxChars) this.#line += piece.slice(0, this.#maxChars - this.#line.length);
  }

  #finish(): void {
    const cut = this.#chars - this.#line.length;
    const line = cut > 0 ? `${this.#line} … (${cut} more characters left out)` : this.#line.trimEnd();
    this.#line = '';
    this.#chars = 0;
    if (line !== '') this.#onLine(line);
  }
}
