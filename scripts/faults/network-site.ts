/**
 * What stands on the two sides of the network: the box with the gateway and an add-on that keeps account; outside the
 * cloud, a name server, devices that speak HTTP, and a KNX bus. And how they are once all is well again.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { KNX_DEVICE_TYPE } from '../../addons/knx/src/knx-parameters.ts';
import { CloudHouse } from '../../test/e2e/cloud/cloud-house.ts';
import { WledStrip } from '../../test/simulators/http/wled.ts';
import { ShellyPlugS } from '../../test/simulators/shelly-plug-s.ts';
import { addForeignAddon } from '../../test/support/foreign-addon.ts';
import { Knxd } from '../../test/support/knxd.ts';
import { until } from '../../test/support/until.ts';
import { FaultHouse } from './house.ts';
import { JOURNAL } from './kill-house.ts';
import { Ledger } from './ledger.ts';
import { NameServer } from './name-server.ts';
import { NetworkBox } from './network-box.ts';
import type { ReadyTimes } from './ready-times.ts';
import type { FaultRun } from './scenario.ts';

export const CLOUD = 'cloud.faults.test';
export const PORT = 8_080;
const KEEP_ALIVE_SECONDS = 5;
/** The default in the long form: it is what bounds the attempts of an hour. */
const RETRY_MAX_SECONDS = { short: 8, long: 300 };
export const DETECTED_MS = 30_000;
const IN_FLIGHT = 1;
const KNX_COUNTER = '1/0/1';
const TOLD_AGAIN_MS = 500;

export interface Site {
  box: NetworkBox;
  gateway: FaultHouse;
  cloud: CloudHouse;
  names: NameServer;
  ledger: Ledger;
  plug: ShellyPlugS;
  knxd: Knxd;
  /** Its device on the KNX bus, and what it was told last. */
  counter: { id: string; value: number };
  form: 'short' | 'long';
  run: FaultRun;
  /** What was seen on the way, for the report. */
  seen: Record<string, string>;
}

export async function buildNetwork(suite: FaultRun, ready: ReadyTimes): Promise<Site> {
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
  await gateway.start(box.within);
  const plug = new ShellyPlugS();
  const port = await plug.start(0, box.outside);
  scope.defer(() => plug.stop());
  const knxd = await Knxd.start({ device: box.device });
  scope.defer(() => knxd.stop());
  const strip = new WledStrip();
  await strip.start(0, box.outside);
  scope.defer(() => strip.stop());
  strip.announce(box.outside);
  const site: Site = {
    box,
    gateway,
    cloud,
    names,
    ledger: new Ledger(gateway.storePath),
    plug,
    knxd,
    counter: { id: '', value: 0 },
    form,
    run: suite,
    seen: {},
  };
  await furnish(site, { journal: type, plugPort: port });
  await connected(site);
  await until('readings come', () => existsSync(join(addonData, 'acked')));
  return site;
}

/** Its protocols and devices. `journal`: a type of device. */
async function furnish(
  site: Site,
  { journal, plugPort }: { journal: string; plugPort: number },
): Promise<void> {
  const {
    box,
    gateway: { api },
    knxd,
    counter,
  } = site;
  const device = (body: object) => api.send<{ id: string }>('POST', '/device/v1/devices', body);
  await api.send('POST', '/device/v1/protocols/knx/installation', {
    parameters: { ip_address: box.outside, port: knxd.port },
  });
  await api.send('POST', `/device/v1/protocols/${JOURNAL}/installation`, {
    parameters: { inFlight: IN_FLIGHT },
  });
  await device({ name: JOURNAL, type: journal });
  for (const slug of ['http', 'knx'])
    await until(`the add-on ${slug} runs`, async () => (await part(site, `addon:${slug}`)) === 'running');
  const types = await api.get<{ id: string; model: string }[]>('/device/v1/types');
  const http = types.find(({ model }) => model === 'HTTP-DEVICE')?.id;
  const parameters = { hostname: box.outside, port: plugPort, interval: 1 };
  await device({ name: 'plug', type: http, parameters, pair: true });
  const datapoints = [{ name: 'counter', group_address: KNX_COUNTER, dpt: '12.001', flags: ['listen'] }];
  const knx = { name: 'counter', type: KNX_DEVICE_TYPE, parameters: { datapoints }, pair: true };
  counter.id = (await device(knx)).id;
  await toldByKnx(site);
}

/** A telegram that nobody hears is lost: it is sent until it is a reading. */
export async function toldByKnx({ gateway, knxd, counter }: Site): Promise<void> {
  counter.value += 1;
  await until(
    'a telegram of the KNX bus is a reading',
    async () => {
      await knxd.write(KNX_COUNTER, counter.value.toString(16).padStart(8, '0'));
      await pause(TOLD_AGAIN_MS);
      const path = `/device/v1/devices/${counter.id}/data?sort=-ts&perPage=1`;
      const { data } = await gateway.api.get<{ data: { data: { counter?: number } }[] }>(path);
      return data[0]?.data.counter === counter.value;
    },
    2 * DETECTED_MS,
  );
}

export interface Health {
  parts: Record<string, { state: string; reason?: string }>;
}

export async function part({ gateway }: Site, name: string): Promise<string | undefined> {
  const { body } = await gateway.api.call<Health>('GET', '/health/ready');
  return body.parts[name]?.state;
}

export async function disconnected(site: Site): Promise<void> {
  await until(
    'health says that there is no cloud',
    async () => (await part(site, 'cloud')) !== 'running',
    DETECTED_MS,
  );
}

/** By itself, with no more than the longest wait between two tries. */
export async function connected(site: Site): Promise<void> {
  await until(
    'the cloud is there again',
    async () => (await part(site, 'cloud')) === 'running',
    patienceMs(site),
  );
}

/** The longest wait between two tries, and what one of them takes. */
export const patienceMs = ({ form }: Site) => RETRY_MAX_SECONDS[form] * 1_000 + DETECTED_MS;
