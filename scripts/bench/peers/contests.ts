/** Every comparison with a peer, in the order in which they run. */
import type { Contest } from './contest.ts';
import { historyContest } from './history-contest.ts';
import { ingestContest } from './ingest-contest.ts';
import { pollingContest } from './polling-contest.ts';
import { relayContest } from './relay-contest.ts';
import { zigbeeContest } from './zigbee-contest.ts';

export const CONTESTS: readonly Contest[] = [
  zigbeeContest,
  ingestContest,
  historyContest,
  pollingContest,
  relayContest,
];
