/** A ZDO request that has reached a node: its answer, and what comes of it. */
import type { Coordinator } from './coordinator.ts';
import type { Node } from './node.ts';
import { Zdo } from './zdo-server.ts';

/** The requests' clusters, and those of their responses (Zigbee, 2.4.4). */
export const ZDO_RESPONSE = 0x8000;
/** In place of a scan's duration. */
export const CHANGE_CHANNEL = 0xfe;
const REJOIN = 0x80;

export interface ZdoRequest {
  clusterId: number;
  /** Without the transaction number. */
  payload: Buffer;
}

/** @param answered takes the answer; not called where none comes */
export function carryOut(
  coordinator: Coordinator,
  node: Node,
  { clusterId, payload }: ZdoRequest,
  answered: (answer: Buffer) => void,
): void {
  const answer = node.answerZdo(clusterId, payload);
  // a mute device's answer never comes; one that has left in the meantime is not heard
  if (!answer || !node.hears(coordinator.identity)) return;
  answered(answer);
  if (clusterId === Zdo.leave && answer[0] === 0) node.leave({ rejoin: ((payload[8] ?? 0) & REJOIN) !== 0 });
}
