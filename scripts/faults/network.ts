/**
 * The network between the box and the cloud, and that between the box and those who call it, go wrong in all ways in
 * which they do. The gateway runs in a network namespace of its own; the cloud is mosquitto outside of it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { STABLE_MS } from '../../src/cloud/retry.ts';
import { until } from '../../test/support/until.ts';
import { reasonToSkip } from '../peers/peers.ts';
import { Arrivals } from './arrivals.ts';
import type { FaultHouse } from './house.ts';
import { JOURNAL } from './kill-house.ts';
import type { Ledger } from './ledger.ts';
import { networkObstacle } from './network-box.ts';
import { buildNetwork, connected } from './network-site.ts';
import { FLAPPING, TROUBLES } from './network-troubles.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const ROUNDS = { short: 1, long: 10 };
/** Longer than a connection has to last to be a good one. */
const LASTED_MS = STABLE_MS + 5_000;
const BACKLOG_MS = 180_000;

const PEERS = ['mosquitto', 'openssl', 'knxd', 'iproute2', 'iptables'] as const;

export const network: Scenario = {
  name: 'network',
  breaks:
    'the cloud cannot be reached, is slow and loses packets, falls silent, comes and goes every 3 s; names are not answered, are said to be none, or the name server is silent; the box gets another address',
  holds:
    'readings are acknowledged meanwhile; attempts are bounded; every number reaches the cloud; the API answers at the new address, devices and a KNX bus go on, and new devices are found by mDNS from there',
  boundMs: { short: 360_000, long: 5 * 3_600_000 },
  peers: PEERS,
  obstacle: () => reasonToSkip(...PEERS) ?? networkObstacle(),
  run,
};

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, signal, isOver, say } = suite;
  const ready = new ReadyTimes();
  const site = await buildNetwork(suite, ready);
  const { gateway, ledger } = site;
  let faults = 0;
  const rounds = ROUNDS[site.form];
  const planned = rounds * Object.keys(TROUBLES).length - (rounds - 1);
  for (let round = 0; round < rounds && !isOver(); round += 1) {
    // an hour of it is enough
    const all = Object.entries(TROUBLES).filter(([name]) => !long || round === 0 || name !== FLAPPING);
    for (const [name, trouble] of random.shuffled(all)) {
      if (isOver()) break;
      say(`round ${round}: ${name}`);
      const before = acked(gateway).length;
      await trouble(site);
      demand(acked(gateway).length > before, `no reading was acknowledged while: ${name}`);
      await connected(site);
      faults += 1;
      // the waits that this trouble has made longer begin anew
      if (long) await pause(LASTED_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  say('everything has to arrive');
  const { api } = gateway;
  await api.send('DELETE', `/device/v1/protocols/${JOURNAL}/installation?force=true`);
  const arrivals = new Arrivals(site.cloud);
  await until(
    'the cloud has everything',
    async () => {
      arrivals.look();
      return /^gate_relay_backlog_readings 0$/m.test(await api.get<string>('/metrics'));
    },
    BACKLOG_MS,
  );
  await arrivals.demandAll(lastNumber(ledger));
  const devices = await api.get<{ id: string; name: string }[]>('/device/v1/devices');
  const journals = devices.filter(({ name }) => name === JOURNAL).map(({ id }) => id);
  arrivals.demandReadings(ledger.seqsOf(journals), 0);
  ledger.auditJournal({ device: JOURNAL, acked: ackedFile(gateway) });
  ledger.demandSound();
  const code = await gateway.daemon.stop();
  demand(code === 0, `the daemon was told to stop and ended with ${code}`);
  return {
    faults,
    planned,
    counts: {
      'readings acknowledged': acked(gateway).length,
      'numbers at the cloud': arrivals.count,
      'of them again': arrivals.repeats,
      ...site.seen,
      ready: ready.words(),
    },
  };
}

const ackedFile = ({ folder }: FaultHouse) => join(folder, 'addons-data', JOURNAL, 'acked');

function acked(gateway: FaultHouse): string[] {
  const path = ackedFile(gateway);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** The number of the reading that was stored last. */
function lastNumber(ledger: Ledger): number {
  return ledger.figure(`
    SELECT cloud + coalesce(until, (SELECT seq + 1 FROM sqlite_sequence WHERE name = 'reading')) - start - 1
    FROM relay_run ORDER BY cloud DESC LIMIT 1`);
}
