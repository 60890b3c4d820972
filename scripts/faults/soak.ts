/**
 * A house of 200 devices for a day, in less than an hour (short: an hour in a minute). What is compressed: the pace of
 * readings, 30 times (short: 60 times) that of the house, each with the time that it would have had. What is not: the
 * gateway's own time, so that its upkeep, its log and its time-outs have an hour to grow in and not a day; commands,
 * clients and ends of an add-on come at their own pace.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { SAVED_MS } from '../../src/store/commit-queue.ts';
import { until } from '../../test/support/until.ts';
import { HOUSE_DEVICES, type HouseReading, houseReadings, READINGS_A_DAY } from '../bench/house.ts';
import { quantile } from '../bench/quantiles.ts';
import { fillStore } from './fill.ts';
import { FaultHouse } from './house.ts';
import { Ledger } from './ledger.ts';
import { OutsideAddon } from './outside-addon.ts';
import { ReadyTimes } from './ready-times.ts';
import { demand, type FaultRun, type Scenario, type Survived } from './scenario.ts';
import { demandSteady, figuresOf, processorTime, type SoakFigures, words } from './soak-figures.ts';
import { livesOn, type SoakSite } from './soak-life.ts';

const HOUR_MS = 3_600_000;
const HOURS = { short: 1, long: 24 };
const TAKES_MS = { short: 55_000, long: 48 * 60_000 };
/** The last of them is held against the second: in the first, what is loaded once is loaded. */
const PARTS = 5;
/** `COMMIT_WINDOW_MS` where nothing is set. */
const WINDOW_MS = 25;
/** A reading that takes longer has waited for the commit window, or for a machine that is taken by others. */
const WAITED_MS = 12;
/** So many in a row that have waited: what a quiet minute has saved up is used up. */
const WAITED_READINGS = 10;
/** Packed, and too old: what the upkeep has to do while it goes on. */
const FILLED = { toPack: 60_000, tooOld: 20_000 };
const DAY_MS = 24 * HOUR_MS;
/** It looks once a minute for what is too old. */
const UPKEEP_MS = 90_000;
const IN_FLIGHT_MAX = 500;
const SLUG = 'home';

export const soak: Scenario = {
  name: 'soak',
  breaks:
    'a day of a house of 200 devices at 30 times its pace (short: an hour at 60 times), with commands, queries, clients that come and go, packing, deletion, and an add-on that is killed',
  holds:
    'every acknowledged reading is there once; memory, handles, files and latency at the end are those of the beginning; only the pace of readings is compressed, not the gateway’s own time',
  boundMs: { short: 240_000, long: HOUR_MS + 600_000 },
  run,
};

async function run(suite: FaultRun): Promise<Survived> {
  const { scope, long, signal, say } = suite;
  const form = long ? 'long' : 'short';
  const ready = new ReadyTimes();
  const environment = { RETENTION_DAYS: '2' };
  const gateway = await FaultHouse.at({ scope, ready, folder: scope.folder(), environment });
  const ledger = new Ledger(gateway.storePath);
  const addon = await furnish(gateway);
  scope.defer(() => addon.close());
  const site: SoakSite = {
    gateway,
    addon,
    run: suite,
    form,
    isOver: false,
    acked: 0,
    acknowledgedMs: [],
    commandMs: [],
    counts: { commands: 0, clients: 0, queries: 0, kills: 0 },
  };
  await addon.connect();
  say(`${await spendSaved(addon)} readings for a house that has been at it for a while`);
  const others = livesOn(site);
  others.catch(() => undefined);
  const total = Math.floor((READINGS_A_DAY * HOURS[form]) / 24);
  const readings = [...houseReadings(total, Date.now())];
  const parts: SoakFigures[] = [];
  for (let part = 0; part < PARTS && !signal.aborted; part += 1) {
    const [from, to] = [part, part + 1].map((edge) => Math.floor((total * edge) / PARTS));
    const since = processorTime(gateway);
    await Promise.race([replay(site, readings.slice(from, to), TAKES_MS[form] / PARTS), failed(others)]);
    parts.push(figuresOf(gateway, since, site));
    const median = quantile(site.acknowledgedMs, 0.5).toFixed(1);
    site.acknowledgedMs = [];
    site.commandMs = [];
    say(`${part + 1} of ${PARTS}: ${site.acked} readings, the last acknowledged after ${median} ms (median)`);
  }
  site.isOver = true;
  await others;
  const [begin, end] = [parts[1], parts.at(-1)];
  if (!begin || !end || parts.length < 3) throw new Error('it was interrupted');
  demandSteady(begin, end);
  // the last moment: nobody who came and went is left
  const devices = addon.deviceIds.slice(0, HOUSE_DEVICES);
  const of = `FROM reading r JOIN device d ON d.k = r.dev WHERE d.record ->> '$.type' = 'type-${SLUG}' AND d.id IN (${devices.map(() => '?').join()})`;
  const kept = ledger.figure(`SELECT count(*) ${of}`, ...devices);
  demand(
    kept === total && site.acked === total,
    `${kept} readings are there, and ${site.acked} of ${total} were acknowledged`,
  );
  const moments = ledger.figure(`SELECT count(*) FROM (SELECT DISTINCT dev, ts ${of})`, ...devices);
  demand(moments === total, `${total - moments} readings are there twice, under the time of another`);
  const before = () =>
    ledger.figure(
      "SELECT count(*) FROM reading r JOIN device d ON d.k = r.dev WHERE d.record ->> '$.name' = 'before'",
    );
  await until('what is too old is deleted', () => before() <= FILLED.toPack, UPKEEP_MS);
  demand(before() === FILLED.toPack, 'what is young enough was deleted');
  const packs = ledger.figure('SELECT count(*) FROM reading_pack');
  demand(packs > 0, 'nothing was packed meanwhile');
  ledger.demandSound();
  demand((await gateway.daemon.stop()) === 0, 'the daemon did not end well');
  const { commands: sent, clients: came, queries: asked, kills: ended } = site.counts;
  return {
    faults: ended,
    counts: {
      'readings of the house': total,
      'hours in minutes': `${HOURS[form]} in ${(TAKES_MS[form] / 60_000).toFixed(1)}`,
      commands: sent,
      clients: came,
      queries: asked,
      ...words(begin, end),
      ready: ready.words(),
    },
  };
}

/** Its devices, and readings of before: some to be packed and some to be deleted. */
async function furnish(gateway: FaultHouse): Promise<OutsideAddon> {
  await gateway.start();
  const { api } = gateway;
  const addon = await OutsideAddon.move(api, { slug: SLUG, devices: HOUSE_DEVICES + 1 });
  const demo = { name: 'demo', isVirtual: true, demoActive: true, frequency: 30 };
  await api.send('POST', '/device/v1/devices', demo);
  const { id: deviceId } = await api.send<{ id: string }>('POST', '/device/v1/devices', {
    name: 'before',
    type: `type-${SLUG}`,
  });
  await gateway.daemon.stop();
  for (const [prefix, readings, ageMs] of [
    ['old', FILLED.tooOld, 40 * DAY_MS],
    ['young', FILLED.toPack, 1.5 * DAY_MS],
  ] as const)
    await fillStore(gateway.storePath, {
      addon: 'filler',
      deviceId,
      prefix,
      readings,
      fromTs: Date.now() - ageMs,
    });
  await gateway.start();
  return addon;
}

/**
 * A gateway that was quiet has commits saved up, and readings that come alone do not wait for the window: at this pace they
 * last for half a minute, at that of a real house for ever. They are used up beforehand, so that the beginning is like the end.
 * @returns how many readings of its last device, which is none of the house, that took
 */
async function spendSaved(addon: OutsideAddon): Promise<number> {
  let sent = 0;
  for (let waited = 0; waited < WAITED_READINGS || sent < SAVED_MS / WINDOW_MS; sent += 1) {
    const sentAt = performance.now();
    await addon.measure(HOUSE_DEVICES, { id: `before-${sent}`, data: { n: sent } });
    waited = performance.now() - sentAt > WAITED_MS ? waited + 1 : 0;
  }
  return sent;
}

/** At an even pace; each is acknowledged when it resolves. */
async function replay(site: SoakSite, readings: readonly HouseReading[], takesMs: number): Promise<void> {
  const startedAt = performance.now();
  const before = site.acked;
  let trouble: unknown;
  let inFlight = 0;
  for (const [n, { device, ts, data }] of readings.entries()) {
    const dueMs = (n / readings.length) * takesMs - (performance.now() - startedAt);
    if (dueMs > 2) await pause(dueMs);
    while (inFlight >= IN_FLIGHT_MAX && trouble === undefined) await pause(5);
    if (trouble !== undefined || site.run.signal.aborted) break;
    const sentAt = performance.now();
    inFlight += 1;
    site.addon.measure(device, { id: `${device}-${ts}`, ts, data }).then(
      () => {
        inFlight -= 1;
        site.acked += 1;
        site.acknowledgedMs.push(performance.now() - sentAt);
      },
      (error: unknown) => {
        trouble = error;
      },
    );
  }
  await until(
    'all readings are acknowledged',
    () => trouble !== undefined || site.acked === before + readings.length,
  );
  if (trouble !== undefined) throw trouble;
}

/** Never, but with what has failed. */
function failed(others: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => others.catch(reject));
}
