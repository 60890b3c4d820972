/** The bus's own word that a telegram has gone out (L_Data.con): awaited for one telegram at a time. */
import type { Clock } from '@gate/addon-sdk';
import type { CemiMessage } from '../wire/cemi.ts';
import type { LinkLost, OutgoingTelegram } from './link.ts';

export type ConfirmationOutcome = 'confirmed' | 'negative' | 'silent' | LinkLost;

export class Confirmation {
  readonly #clock: Clock;
  #awaited: OutgoingTelegram | undefined;
  #settle: (outcome: ConfirmationOutcome) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `silent` when it has not come within `withinMs`. */
  of(telegram: OutgoingTelegram, withinMs: number): Promise<ConfirmationOutcome> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(withinMs, () => this.settle('silent'));
      this.#awaited = telegram;
      this.#settle = (outcome) => {
        cancel();
        this.#awaited = undefined;
        this.#settle = () => undefined;
        resolve(outcome);
      };
    });
  }

  /** A confirmation has come: that of the telegram awaited, or of none. */
  receive({ service, destination, value, negative }: CemiMessage): void {
    const awaited = this.#awaited;
    const fits =
      awaited?.service === service &&
      awaited.destination === destination &&
      awaited.value.bytes.equals(value.bytes);
    if (fits) this.#settle(negative ? 'negative' : 'confirmed');
  }

  /** Ends the waiting, where there is any. */
  settle(outcome: ConfirmationOutcome): void {
    this.#settle(outcome);
  }
}
