/** Something that was begun and is answered later, from its beginning until its `ttl`: a status request, an action. */
import type { Reason } from './error.ts';
import type { JsonValue } from './json.ts';

export interface Operation {
  /** Also the `requestId` of the published API. */
  id: string;
  projectId: string;
  /** Whom it concerns: a device, or the gateway for an action of a protocol. */
  deviceId: string;
  /** Of an action: the protocol's id and the action's name. */
  protocolId?: string;
  action?: string;
  /** Second since 1970 at which it is forgotten. */
  ttl: number;
  outcome: { state: 'pending' } | { state: 'done'; response: JsonValue } | { state: 'failed'; error: Reason };
}
