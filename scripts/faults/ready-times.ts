/** How long starts took until the API answered: recorded with each fault, judged in the table. */
const AIM_MS = 2_000;

export class ReadyTimes {
  readonly #ms: number[] = [];

  add(ms: number): void {
    this.#ms.push(ms);
  }

  /** `median 0.4 s, longest 0.9 s (aim: 2 s, met)` */
  words(): string {
    const sorted = this.#ms.toSorted((one, other) => one - other);
    const seconds = (ms = 0) => (ms / 1_000).toFixed(2);
    const late = sorted.filter((ms) => ms > AIM_MS).length;
    const verdict = late === 0 ? 'met' : `missed ${late} times`;
    return `median ${seconds(sorted[sorted.length >> 1])} s, longest ${seconds(sorted.at(-1))} s of ${sorted.length} starts (aim: ${AIM_MS / 1_000} s, ${verdict})`;
  }
}
