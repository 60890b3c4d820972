/**
 * The time of a command. The libraries have times of their own, longer ones: a question for an address 10 s, a frame for a
 * device that sleeps until it wakes. A caller has an answer before nobody waits for it any more, and nothing that was not
 * sent until then is sent later.
 */
import { AddonError, type Clock } from '@gate/addon-sdk';

/** Before the gateway's own deadline, so that the reason told is ours. */
const MARGIN_MS = 400;

export interface CommandTime {
  /** Asked before each step: what has not been begun when nobody waits any more is not begun. @throws AddonError timeout */
  throwIfOver: () => void;
  /** Milliseconds. */
  leftMs: () => number;
}

/** @param deadline milliseconds since 1970, as the request has it. @throws AddonError timeout, and what `work` throws */
export async function withinTime<T>(
  { deadline, clock }: { deadline: number; clock: Clock },
  what: string,
  work: (time: CommandTime) => Promise<T>,
): Promise<T> {
  const givenMs = Math.max(0, deadline - clock.now() - MARGIN_MS);
  const endsMs = clock.uptime() + givenMs;
  const late = Promise.withResolvers<never>();
  let over: AddonError | undefined;
  const cancel = clock.after(givenMs, () => {
    over = new AddonError('timeout', `${what} did not answer within ${Math.ceil(givenMs / 1000)} s`, {
      hint: 'it may have done it all the same: ask for its status. Is it powered and near? A battery device must be awake',
    });
    late.reject(over);
  });
  const running = work({
    throwIfOver: () => {
      if (over) throw over;
    },
    leftMs: () => Math.max(0, endsMs - clock.uptime()),
  });
  // told as late already: what it says afterwards is for nobody
  running.catch(() => undefined);
  late.promise.catch(() => undefined);
  try {
    return await Promise.race([running, late.promise]);
  } finally {
    cancel();
  }
}
