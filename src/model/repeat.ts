/** A call under a caller's own key, as it is kept over a restart. */
import type { Reason } from './error.ts';

export interface RepeatRecord {
  /** Who called, and its key. */
  key: string;
  /** A hash of what was called for. */
  fingerprint: string;
  /** Milliseconds since 1970. */
  beganAt: number;
  /** A reason: it may have been done, but nobody knows. */
  outcome: 'underWay' | 'done' | Reason;
}
