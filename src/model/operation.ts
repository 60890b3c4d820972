/** A status request to a device, from its beginning until its `ttl`. */
import type { Reason } from './error.ts';
import type { JsonValue } from './json.ts';

export interface Operation {
  /** Also the `requestId` of the published API. */
  id: string;
  projectId: string;
  deviceId: string;
  /** Second since 1970 at which it is forgotten. */
  ttl: number;
  outcome: { state: 'pending' } | { state: 'done'; response: JsonValue } | { state: 'failed'; error: Reason };
}
