/**
 * `node scripts/peers.ts [names…]`: installs the programs of others that tests and benchmarks run against. Where none is
 * named, all that come from Debian's packages; those from npm, which only benchmarks need, come when they are named. What
 * is there is left alone. Fails, and says what is missing, when not all can be had.
 */
import { installNpmPeer, NPM_PEER_NAMES, type NpmPeerName } from './peers/npm-peers.ts';
import { installPeers, PEER_NAMES, type PeerName } from './peers/peers.ts';

const isNpmPeer = (name: string): name is NpmPeerName => NPM_PEER_NAMES.includes(name as NpmPeerName);
const isPeer = (name: string): name is PeerName => PEER_NAMES.includes(name as PeerName);

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !isPeer(name) && !isNpmPeer(name));
if (unknown.length > 0) {
  const known = [...PEER_NAMES, ...NPM_PEER_NAMES].join(', ');
  console.error(`there is no peer ${unknown.join(', ')}: there are ${known}`);
  process.exit(2);
}
const names = asked.length > 0 ? asked : PEER_NAMES;
const troubles = [
  ...installPeers(names.filter(isPeer)),
  ...names.filter(isNpmPeer).flatMap((name) => installNpmPeer(name) ?? []),
];
for (const trouble of troubles) console.error(`missing: ${trouble}`);
if (troubles.length === 0) console.log(`all there: ${names.join(', ')}`);
process.exitCode = troubles.length === 0 ? 0 : 1;
