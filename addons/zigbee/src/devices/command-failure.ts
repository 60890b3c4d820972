/** What the libraries throw when a device does not do as it is told, in words for a person. */
import { AddonError } from '@gate/addon-sdk';

/** What the radio says of a frame that did not arrive. */
const UNREACHED =
  /no network route|mac ?no ?ack|transaction ?expired|no ack|delivery ?failed|nwkNoRoute|Data request failed/i;
/** It never left the stick: that is busy, or is tuned to Touchlink. */
const UNSENT = /failed to send request with status=(\w+)|inter-?pan mode/i;
/** What the library says when the frame arrived, as far as anybody knows, and no answer came. */
const UNANSWERED = /timeout|timed out/i;

export function commandFailure(
  error: unknown,
  { what, sleepy }: { what: string; sleepy: boolean },
): AddonError {
  if (error instanceof AddonError) return error;
  const words = (error instanceof Error ? error.message : String(error)).trim();
  if (UNREACHED.test(words)) {
    return new AddonError('unreachable', `the ${what} does not answer`, {
      hint: sleepy
        ? 'it runs on batteries and sleeps: press its button while you send this'
        : 'is it powered and near enough? A mains device in between extends the range',
      cause: error,
    });
  }
  const unsent = UNSENT.exec(words);
  if (unsent) {
    const why = unsent[1] ?? 'it looks for lamps by Touchlink';
    return new AddonError('unreachable', `the coordinator could not send to the ${what}: ${why}`, {
      hint: 'try again in some seconds',
      cause: error,
    });
  }
  if (UNANSWERED.test(words)) {
    return new AddonError('timeout', `the ${what} has not answered`, {
      hint: sleepy
        ? 'it runs on batteries and may be asleep: press its button while you send this'
        : 'it may have done it all the same: ask for its status',
      cause: error,
    });
  }
  const status = /Status '([A-Z_]+)'|\(([A-Z_]{4,})\)/.exec(words);
  if (status) {
    return new AddonError('deviceRefused', `the ${what} refused: ${status[1] ?? status[2]}`, {
      hint: 'the model may not support this, or not in its present state',
      cause: error,
    });
  }
  return new AddonError('deviceRefused', `the ${what} did not take it: ${words}`, {
    hint: 'are the names and values those that its type shows?',
    cause: error,
  });
}
