/** What goes wrong between the box and the cloud, and between the box and those who call it; each ends it again. */
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../../test/support/until.ts';
import type { NameAnswer } from './name-server.ts';
import {
  CLOUD,
  DETECTED_MS,
  disconnected,
  type Health,
  PORT,
  patienceMs,
  type Site,
  toldByKnx,
} from './network-site.ts';
import { demand } from './scenario.ts';

const FLAP_MS = 3_000;
const FLAPPING_MS = { short: 40_000, long: 3_600_000 };
/** A wait is 1 s at least, and longer from one attempt to the next. */
const ATTEMPTS_MAX = { short: 20, long: 60 };
const LASTS_MS = 5_000;
/** Between two attempts. */
const RETRY_MIN_MS = 1_000;
const DNS_PORT = 53;
/** For each of both families of addresses, by a resolver that asks once more. */
const QUESTIONS_AN_ATTEMPT = 4;

export const FLAPPING = 'comes and goes';
export const TROUBLES: Record<string, (site: Site) => Promise<void>> = {
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
    site.seen['silence noticed after'] = secondsSince(startedAt);
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
  'names are not answered': (site) =>
    nameless(site, { begin: () => site.names.stop(), end: () => site.names.start() }),
  'names are said to be none': (site) => nameless(site, answering(site, 'noSuchName')),
  'the name server is silent': (site) => nameless(site, answering(site, 'nothing')),
  'another address': async (site) => {
    const { box, cloud, gateway, plug } = site;
    const requests = plug.requests;
    box.count(cloud.broker.port);
    const movedAt = performance.now();
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
    await toldByKnx(site);
    site.seen['the KNX bus from another address after'] = secondsSince(movedAt);
    await until('the cloud is asked from there', () => box.counted() > 0, patienceMs(site));
    const found = await gateway.api.send<{ label: string }[]>('POST', '/device/v1/protocols/http/scan');
    demand(
      found.some(({ label }) => label.includes(box.outside) && label.includes('WLED')),
      `a search by mDNS from another address has found ${JSON.stringify(found)}`,
    );
  },
};

const answering = ({ names }: Site, answers: NameAnswer) => ({
  begin: () => {
    names.answers = answers;
  },
  end: () => {
    names.answers = 'address';
  },
});

/** The cloud has to be connected anew, and its name leads nowhere: that is told, and tried no more often than once a second. */
async function nameless(
  site: Site,
  { begin, end }: { begin: () => void | Promise<void>; end: () => void | Promise<void> },
): Promise<void> {
  const { box, gateway, seen } = site;
  await begin();
  box.count(DNS_PORT, 'udp');
  const startedAt = performance.now();
  // what is connected needs no name
  box.cut(true);
  await disconnected(site);
  box.cut(false);
  await until(
    'health says that the name is not found',
    async () => {
      const { parts } = await gateway.api.get<Health>('/health/ready');
      return parts['cloud']?.reason?.includes(`the host name ${CLOUD} cannot be resolved`);
    },
    patienceMs(site),
  );
  // a resolver that waits holds a thread of those that files are written by
  const device = { name: 'meanwhile', isVirtual: true, demoActive: false, frequency: 86_400 };
  const { id } = await gateway.api.send<{ id: string }>('POST', '/device/v1/devices', device);
  await gateway.api.send('DELETE', `/device/v1/devices/${id}`);
  await pause(LASTS_MS);
  const asked = box.counted();
  const most = QUESTIONS_AN_ATTEMPT * Math.ceil((performance.now() - startedAt) / RETRY_MIN_MS);
  demand(asked <= most, `names were asked for ${asked} times, and ${most} are enough`);
  const others = seen['questions for a name'];
  const words = `${asked} in ${secondsSince(startedAt)}`;
  seen['questions for a name'] = others === undefined ? words : `${others}, ${words}`;
  await end();
}

const secondsSince = (atMs: number) => `${((performance.now() - atMs) / 1_000).toFixed(1)} s`;
