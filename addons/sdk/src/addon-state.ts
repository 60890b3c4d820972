/**
 * The state that an add-on shows to gate, worked out of what is known of it: `starting` until its first config has been
 * handled, then `running`, or `degraded` while any party names a problem.
 */
import type { StateMessage } from '../../../src/contract/messages.ts';

/** Who may name a problem: the add-on's author, the handling of config, the reading queue. In order of weight. */
const PARTIES = ['addon', 'config', 'readings'] as const;
export type Party = (typeof PARTIES)[number];

export type ShownState = Pick<StateMessage, 'state' | 'reason'>;

export class AddonState {
  readonly #problems = new Map<Party, string>();
  readonly #onChange: () => void;
  #configured = false;

  /** `onChange` is called after each change of what is shown. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** A config has been handled, well or not. */
  configured(): void {
    this.#change(() => {
      this.#configured = true;
    });
  }

  /** Names a party's problem, or with undefined takes it back. */
  problem(party: Party, reason: string | undefined): void {
    this.#change(() => {
      if (reason === undefined) this.#problems.delete(party);
      else this.#problems.set(party, reason);
    });
  }

  shown(): ShownState {
    if (!this.#configured) return { state: 'starting' };
    const party = PARTIES.find((each) => this.#problems.has(each));
    if (party === undefined) return { state: 'running' };
    return { state: 'degraded', reason: (this.#problems.get(party) ?? '').slice(0, 1_000) };
  }

  #change(change: () => void): void {
    const before = this.shown();
    change();
    const after = this.shown();
    if (before.state !== after.state || before.reason !== after.reason) this.#onChange();
  }
}
