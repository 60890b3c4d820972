/**
 * Why a program ended, as its standard error has it. The very last line seldom says so: Node and V8 end with a
 * stack and their version. A line shaped like an error is preferred while it is recent.
 */
export const LAST_WORDS_MAX_CHARS = 200;
/** An error further back than this many lines was survived. */
const RECENT_LINES = 60;

const ERROR_LINE = /^\s*(?:Uncaught\s+)?(?:[\w.]*(?:Error|Exception)\b[^:]*:|FATAL ERROR:|panic:)/;
/** Stack frames, native frames, source markers, brackets of a printed object, Node's version. */
const NOISE_LINE =
  /^\s*(?:at\s|\d+:\s+0x|-{3,}|<---|[\^~]+\s*$|[{}[\]()]*\s*$|\S*:\d+$|Node\.js v\d|\.\.\. \d+ lines)/;

export class LastWords {
  #error = '';
  #linesSinceError = 0;
  #last = '';

  add(line: string): void {
    this.#linesSinceError += 1;
    if (ERROR_LINE.test(line)) {
      this.#error = line;
      this.#linesSinceError = 0;
    } else if (!NOISE_LINE.test(line)) {
      this.#last = line;
    }
  }

  /** At most `LAST_WORDS_MAX_CHARS`; empty when nothing of use was written. */
  text(): string {
    const recent = this.#error !== '' && this.#linesSinceError <= RECENT_LINES;
    const words = (recent ? this.#error : this.#last).trim();
    return words.length > LAST_WORDS_MAX_CHARS ? `${words.slice(0, LAST_WORDS_MAX_CHARS - 1)}…` : words;
  }
}
