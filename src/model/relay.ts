/**
 * What goes to the cloud. Each reading that is to be relayed has a number of its own there, its `seq`: from 1, without
 * holes, in the order of storing. A reading that is not relayed has none.
 */
import type { JsonObject } from './json.ts';

/** Numbers from `first` to `last`, both included. Without `last`: and all that are still to come. */
export interface SeqRange {
  first: number;
  last?: number | undefined;
}

/** As the cloud gets it. */
export interface RelayedReading {
  /** The public `_id`: the same however often it is sent. */
  id: string;
  deviceId: string;
  /** When it was measured, in milliseconds since 1970. */
  ts: number;
  seq: number;
  data: JsonObject;
  /** The box was restarted before its clock was right: `ts` is the latest that it can have been. */
  clock?: 'estimated' | undefined;
}

/** In place of readings that were deleted before they were sent; both included. */
export interface DroppedReadings {
  dropped: { fromSeq: number; toSeq: number };
}

export type RelayItem = RelayedReading | DroppedReadings;
