/** Questions to a server and the frames that answer them: each is asked again as often as it may be, then given up. */
import type { Clock } from '@gate/addon-sdk';
import type { IpFrame } from '../wire/ip-frame.ts';

export interface Question<T> {
  ask: () => void;
  /** What a frame says in answer, or undefined for one that is no answer to this. */
  answerIn: (frame: IpFrame) => T | undefined;
  timeoutMs: number;
  /** How often it is asked in all. */
  attempts: number;
}

interface OpenQuestion {
  offer: (frame: IpFrame) => boolean;
  giveUp: () => void;
}

export class FrameDialogue {
  readonly #clock: Clock;
  readonly #open = new Set<OpenQuestion>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer; undefined when none has come to the last attempt, or everything was given up. */
  question<T>({ ask, answerIn, timeoutMs, attempts }: Question<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      let left = attempts;
      let cancel: () => void = () => undefined;
      const settle = (answer: T | undefined) => {
        cancel();
        this.#open.delete(open);
        resolve(answer);
      };
      const open: OpenQuestion = {
        offer: (frame) => {
          const answer = answerIn(frame);
          if (answer !== undefined) settle(answer);
          return answer !== undefined;
        },
        giveUp: () => settle(undefined),
      };
      const next = () => {
        if (left === 0) return settle(undefined);
        left -= 1;
        ask();
        cancel = this.#clock.after(timeoutMs, next);
      };
      this.#open.add(open);
      next();
    });
  }

  /** @returns whether the frame answered a question */
  receive(frame: IpFrame): boolean {
    for (const open of this.#open) if (open.offer(frame)) return true;
    return false;
  }

  giveUp(): void {
    for (const open of [...this.#open]) open.giveUp();
  }
}
