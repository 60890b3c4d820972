/**
 * `node scripts/peers.ts [names…]`: installs the programs of others that tests and benchmarks run against, all of
 * them where none is named. What is there is left alone. Fails, and says what is missing, when not all can be had.
 */
import { installPeers, PEER_NAMES, type PeerName } from './peers/peers.ts';

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !PEER_NAMES.includes(name as PeerName));
if (unknown.length > 0) {
  console.error(`there is no peer ${unknown.join(', ')}: there are ${PEER_NAMES.join(', ')}`);
  process.exit(2);
}
const names = asked.length > 0 ? (asked as PeerName[]) : PEER_NAMES;
const troubles = installPeers(names);
for (const trouble of troubles) console.error(`missing: ${trouble}`);
if (troubles.length === 0) console.log(`all there: ${names.join(', ')}`);
process.exitCode = troubles.length === 0 ? 0 : 1;
