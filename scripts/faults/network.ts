/**
 * The network between the box and the cloud, and that between the box and those who call it, go wrong in all ways in
 * which they do. The gateway runs in a network namespace of its own; the cloud is mosquitto outside of it.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CloudHouse } from '../../test/e2e/cloud/cloud-house.ts';
import { ShellyPlugS } from '../../test/simulators/shelly-plug-s.ts';
import { addForeignAddon } from '../../test/support/foreign-addon.ts';
import { until } from '../../test/support/until.ts';
import { reasonToSkip } from '../peers/peers.ts';
import { Arrivals } from './arrivals.ts';
import { FaultHouse } from './house.ts';
import { JOURNAL } from './kill-house.ts';
import { Ledger } from './ledger.ts';
import { NameServer } from './name-server.ts';
import { NetworkBox, networkObstacle } from './network-box.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const ROUNDS = { short: 1, long: 10 };
const CLOUD = 'cloud.faults.test';
const PORT = 8_080;
const KEEP_ALIVE_SECONDS = 5;
/** The default in the long form: it is what bounds the attempts of an hour. */
const RETRY_MAX_SECONDS = { short: 8, long: 300 };
const FLAP_MS = 3_000;
const FLAPPING_MS = { short: 40_000, long: 3_600_000 };
/** A wait is 1 s at least, and longer from one attempt to the next. */
const ATTEMPTS_MAX = { short: 20, long: 60 };
const LASTS_MS = 5_000;
const IN_FLIGHT = 1;
const DETECTED_MS = 30_000;
const BACKLOG_MS = 180_000;

export const network: Scenario = {
  name: 'network',
  breaks:
    'the cloud cannot be reached, is slow and loses packets, falls silent, comes and goes every 3 s; names are not answered; the box gets another address',
  holds:
    'readings are acknowledged meanwhile; attempts are bounded; every number reaches the cloud; the API answers at the new address, devices go on',
  boundMs: { short: 240_000, long: 4 * 3_600_000 },
  obstacle: () => reasonToSkip('mosquitto', 'openssl') ?? networkObstacle(),
  run,
};

interface Site {
  box: NetworkBox;
  gateway: FaultHouse;
  cloud: CloudHouse;
  names: NameServer;
  ledger: Ledger;
  plug: ShellyPlugS;
  form: 'short' | 'long';
  run: FaultRun;
  /** What was seen on the way, for the report. */
  seen: Record<string, string>;
}

async function run(suite: FaultRun): Promise<Survived> {
  const { random, long, signal, say } = suite;
  const ready = new ReadyTimes();
  const site = await build(suite, ready);
  const { gateway, ledger } = site;
  let faults = 0;
  for (let round = 0; round < ROUNDS[site.form] && !signal.aborted; round += 1) {
    // an hour of it is enough
    const all = Object.entries(TROUBLES).filter(([name]) => !long || round === 0 || name !== FLAPPING);
    for (const [name, trouble] of random.shuffled(all)) {
      if (signal.aborted) break;
      say(`round ${round}: ${name}`);
      const before = acked(gateway).length;
      await trouble(site);
      demand(acked(gateway).length > before, `no reading was acknowledged while: ${name}`);
      await connected(site);
      faults += 1;
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
      return (
        /^gate_relay_backlog_readings 0$/m.test(await api.get<string>('/metrics')) &&
        arrivals.count >= lastNumber(ledger)
      );
    },
    BACKLOG_MS,
  );
  // what is measured once a second by the plug goes on
  arrivals.demandAll(lastNumber(ledger) - 1);
  ledger.auditJournal({ device: JOURNAL, acked: ackedFile(gateway) });
  ledger.demandSound();
  const code = await gateway.daemon.stop();
  demand(code === 0, `the daemon was told to stop and ended with ${code}`);
  return {
    faults,
    counts: {
      'readings acknowledged': acked(gateway).length,
      'numbers at the cloud': arrivals.count,
      'of them again': arrivals.repeats,
      ...site.seen,
      ready: ready.words(),
    },
  };
}

async function build(suite: FaultRun, ready: ReadyTimes): Promise<Site> {
  const { scope, long } = suite;
  const form = long ? 'long' : 'short';
  const box = NetworkBox.make(scope);
  const names = new NameServer({ host: box.outside, name: CLOUD, address: box.outside });
  await names.start();
  scope.defer(() => names.stop());
  const cloud = await CloudHouse.open({
    address: '0.0.0.0',
    host: CLOUD,
    alternativeNames: `DNS:${CLOUD}`,
    settings: ['max_inflight_messages 0'],
  });
  scope.defer(() => cloud.close());
  const environment = {
    NODE_ENV: '',
    CONFIG_FOLDER: cloud.credentials,
    ON_PREMISE_ENABLED: 'true',
    BIND: '0.0.0.0',
    PORT: String(PORT),
    CLOUD_KEEP_ALIVE_SECONDS: String(KEEP_ALIVE_SECONDS),
    CLOUD_RETRY_MAX_SECONDS: String(RETRY_MAX_SECONDS[form]),
    CLOUD_PUBLISHES_PER_SECOND: '0',
    CLOUD_BACKLOG_KIB_PER_SECOND: '0',
  };
  const gateway = await FaultHouse.at({ scope, ready, folder: scope.folder(), environment });
  const type = addForeignAddon(gateway.folder, { slug: JOURNAL, source: 'journal.ts' });
  const addonData = join(gateway.folder, 'addons-data', JOURNAL);
  mkdirSync(addonData, { recursive: true, mode: 0o700 });
  writeFileSync(join(addonData, 'in-flight'), String(IN_FLIGHT));
  await gateway.start(box.within);
  const plug = new ShellyPlugS();
  const port = await plug.start(0, box.outside);
  scope.defer(() => plug.stop());
  const ledger = new Ledger(gateway.storePath);
  const site: Site = { box, gateway, cloud, names, ledger, plug, form, run: suite, seen: {} };
  const { api } = gateway;
  await api.send('POST', `/device/v1/protocols/${JOURNAL}/installation`, { parameters: {} });
  await api.send('POST', '/device/v1/devices', { name: JOURNAL, type });
  const types = await api.get<{ id: string; model: string }[]>('/device/v1/types');
  const parameters = { hostname: box.outside, port, interval: 1 };
  const http = types.find(({ model }) => model === 'HTTP-DEVICE')?.id;
  await until('the add-on for HTTP devices runs', async () => (await part(site, 'addon:http')) === 'running');
  await api.send('POST', '/device/v1/devices', { name: 'plug', type: http, parameters, pair: true });
  await connected(site);
  await until('readings come', () => acked(gateway).length > 0);
  return site;
}

const FLAPPING = 'comes and goes';
const TROUBLES: Record<string, (site: Site) => Promise<void>> = {
  'cannot be reached': async (site) => {
    site.box.cut(true);
    await disconnected(site);
    await pause(LASTS_MS);
    site.box.cut(false);
  },
  slow: async ({ box, run: { random }, seen }) => {
    seen['slow'] = box.slow({
      delayMs: random.whole(100, 900),
      kbit: random.whole(64, 512),
      lostShare: 0.05,
    });
    await pause(2 * LASTS_MS);
    box.fast();
  },
  'falls silent': async (site) => {
    const startedAt = performance.now();
    site.box.drop(true, site.cloud.broker.port);
    await disconnected(site);
    site.seen['silence noticed after'] = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`;
    site.box.drop(false, site.cloud.broker.port);
  },
  [FLAPPING]: async ({ box, cloud, form, run: { signal }, seen }) => {
    const { port } = cloud.broker;
    box.count(port);
    const endsAt = performance.now() + FLAPPING_MS[form];
    while (performance.now() < endsAt && !signal.aborted) {
      box.refuse(true, port);
      await pause(FLAP_MS);
      box.refuse(false, port);
      await pause(FLAP_MS);
    }
    const attempts = box.counted();
    demand(attempts > 1, 'it was not tried to connect while the network flapped');
    demand(
      attempts <= ATTEMPTS_MAX[form],
      `it tried ${attempts} times to connect in ${FLAPPING_MS[form]} ms`,
    );
    seen['tries to connect while it flapped'] =
      `${attempts} in ${FLAPPING_MS[form] / 1_000} s (at most ${ATTEMPTS_MAX[form]})`;
  },
  'names are not answered': async (site) => {
    await site.names.stop();
    // what is connected needs no name
    site.box.cut(true);
    await disconnected(site);
    site.box.cut(false);
    await until(
      'health says that the name is not found',
      async () => {
        const { parts } = await site.gateway.api.get<Health>('/health/ready');
        return parts['cloud']?.reason?.includes(CLOUD);
      },
      DETECTED_MS,
    );
    await pause(LASTS_MS);
    await site.names.start();
  },
  'another address': async ({ box, gateway, plug }) => {
    const requests = plug.requests;
    box.move();
    await until('the API answers at its new address', async () => {
      const url = `http://${box.address}:${PORT}/device/v1/devices`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
      return answer.status === 200 && Array.isArray(await answer.json());
    });
    await until('the plug is asked from there', () => plug.requests > requests + 1, DETECTED_MS);
    await until(
      'it is there',
      async () => {
        const devices =
          await gateway.api.get<{ name: string; availability?: { online: boolean } }[]>('/device/v1/devices');
        return devices.find(({ name }) => name === 'plug')?.availability?.online;
      },
      DETECTED_MS,
    );
  },
};

interface Health {
  parts: Record<string, { state: string; reason?: string }>;
}

async function part({ gateway }: Site, name: string): Promise<string | undefined> {
  const { body } = await gateway.api.call<Health>('GET', '/health/ready');
  return body.parts[name]?.state;
}

async function disconnected(site: Site): Promise<void> {
  await until(
    'health says that there is no cloud',
    async () => (await part(site, 'cloud')) !== 'running',
    DETECTED_MS,
  );
}

/** By itself, with no more than the longest wait between two tries. */
async function connected(site: Site): Promise<void> {
  const withinMs = RETRY_MAX_SECONDS[site.form] * 1_000 + DETECTED_MS;
  await until('the cloud is there again', async () => (await part(site, 'cloud')) === 'running', withinMs);
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
