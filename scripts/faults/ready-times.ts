/**
 * How long starts took until the API answered: recorded with each fault, judged in the table. What was measured beside
 * others tells of a machine that others use as well, and is told apart: the aim is for a gateway alone.
 */
const AIM_MS = 2_000;

interface Start {
  ms: number;
  /** Of that: it could have run, and others had the processors. */
  waitedMs: number;
}

export class ReadyTimes {
  readonly #alone: Start[] = [];
  readonly #beside: Start[] = [];
  readonly #isAlone: boolean;

  /** @param isAlone nothing else of the suite is at work meanwhile; as `--at-once` has it where nothing is said */
  constructor(isAlone = process.env[AT_ONCE] === undefined || process.env[AT_ONCE] === '1') {
    this.#isAlone = isAlone;
  }

  add(ms: number, waitedMs = 0): void {
    (this.#isAlone ? this.#alone : this.#beside).push({ ms, waitedMs });
  }

  /** `median 0.40 s, longest 0.91 s (0.30 s without a processor) of 40 starts (aim: 2 s, met)`, and what was measured beside others behind it. */
  words(besides = new ReadyTimes()): string {
    const alone = [...this.#alone, ...besides.#alone];
    const beside = [...this.#beside, ...besides.#beside];
    const late = alone.filter(({ ms }) => ms > AIM_MS).length;
    const verdict = late === 0 ? 'met' : `missed ${late} times`;
    const told: string[] = [];
    if (alone.length > 0) told.push(`${figures(alone)} (aim: ${AIM_MS / 1_000} s, ${verdict})`);
    if (beside.length > 0) told.push(`${figures(beside)} with others at work beside them`);
    return told.join('; ');
  }
}

/** How many scenarios run at a time, for whoever measures in one of them. */
export const AT_ONCE = 'GATE_FAULTS_AT_ONCE';

function figures(starts: readonly Start[]): string {
  const sorted = starts.toSorted((one, other) => one.ms - other.ms);
  const [median, longest] = [sorted[sorted.length >> 1], sorted.at(-1)];
  const seconds = (ms = 0) => (ms / 1_000).toFixed(2);
  return `median ${seconds(median?.ms)} s, longest ${seconds(longest?.ms)} s (${seconds(longest?.waitedMs)} s without a processor) of ${sorted.length} starts`;
}
