/** The dashboard in a real browser: how much is loaded, how soon it can be used, and what a thousand readings a second do to it. */
import type { CDPSession, Page } from 'playwright-core';
import { PHONE, TestBrowser } from '../../test/support/browser.ts';
import { installPeers } from '../peers/peers.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { traced } from './browser-trace.ts';
import { startReportingGateway, waitUntil } from './loaded-gateway.ts';
import { monotonicMs } from './monotonic.ts';
import { median } from './quantiles.ts';
import type { Done } from './reporting-addon.ts';
import { count, cpu, megabytes, ms } from './units.ts';

const DEVICES = 200;
const READINGS_PER_SECOND = 1_000;
const LOADS = 7;
const FIRST_LOAD_MAX_BYTES = 120_000;
const INTERACTIVE_MAX_MS = 1_000;
const FRAME_MAX_MS = 100;
/** More of it at the end is growth: collections and the engine's own tables move a heap by less. */
const GROWTH_MAX_BYTES = 2_000_000;
const TRACE_MS = 10_000;
/** One trace in each. */
const ROUND_MS = 30_000;
/** All devices are created, and the page is loaded over and over, before it is measured under load. */
const WARM_UP_MS = 60_000;

/** Notes in the page when each device is there with a value and the browser has shown it. */
const WATCH = `(() => {
  const there = () => {
    let count = 0;
    for (const card of document.querySelectorAll('[data-testid=device]')) if (card.querySelector('dd')) count += 1;
    return count >= ${DEVICES};
  };
  const look = () => {
    if (!there()) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => {
      window.usableMs = performance.now();
      document.documentElement.dataset.usable = '';
    }));
  };
  requestAnimationFrame(look);
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(duration);
  }).observe({ type: 'longtask' });
})()`;

interface Load {
  usableMs: number;
  scriptBytes: number;
  allBytes: number;
}

async function openDashboard(
  browser: TestBrowser,
  url: string,
  options = {},
): Promise<{ page: Page; load: Load }> {
  const context = await browser.browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  await context.addInitScript(WATCH);
  const page = await context.newPage();
  const sizes: Promise<{ isScript: boolean; bytes: number }>[] = [];
  page.on('requestfinished', (request) => {
    if (!/\/(dashboard\/[^/]+)?$/.test(new URL(request.url()).pathname)) return;
    const isScript = request.url().endsWith('.js');
    sizes.push(request.sizes().then(({ responseBodySize: bytes }) => ({ isScript, bytes })));
  });
  await page.goto(`${url}/`);
  // the page's policy lets no function be waited for
  await page.locator('html[data-usable]').waitFor({ timeout: 60_000 });
  const usableMs = await page.evaluate<number>('window.usableMs');
  const files = await Promise.all(sizes);
  const sum = (some: typeof files) => some.reduce((total, { bytes }) => total + bytes, 0);
  return {
    page,
    load: { usableMs, scriptBytes: sum(files.filter(({ isScript }) => isScript)), allBytes: sum(files) },
  };
}

/** Live JavaScript objects and nodes of a page, after what is no more was thrown away. */
async function heapOf(session: CDPSession): Promise<{ bytes: number; nodes: number }> {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? Number.NaN;
  return { bytes: of('JSHeapUsedSize'), nodes: of('Nodes') };
}

async function run(bench: Bench): Promise<Section> {
  const [trouble] = installPeers(['chromium']);
  if (trouble !== undefined) throw new Error(`this benchmark needs a browser: ${trouble}`);
  const measureMs = bench.short ? 60_000 : 600_000;
  const browser = await TestBrowser.start();
  bench.scope.defer(() => browser.stop());

  const { daemon, begun, reports } = await startReportingGateway(bench.scope, {
    devices: DEVICES,
    readingsPerSecond: READINGS_PER_SECOND,
    warmUpMs: WARM_UP_MS,
    measureMs,
    stamped: false,
  });
  const loads: Load[] = [];
  for (let n = 0; n < LOADS; n += 1) {
    const { page, load } = await openDashboard(browser, daemon.url);
    loads.push(load);
    await page.context().close();
  }
  const { page: phone, load: onPhone } = await openDashboard(browser, daemon.url, PHONE);
  await phone.context().close();
  bench.say(`loaded ${LOADS} times, while readings came`);

  const { page } = await openDashboard(browser, daemon.url);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  if (monotonicMs() > begun.measureFromMs) bench.say('the page was late for the warm-up');
  await waitUntil(begun.measureFromMs);
  await page.evaluate('window.longTasks.length = 0');
  const before = await heapOf(session);
  const rounds: { longestMs: number; busy: number; bytes: number }[] = [];
  while (monotonicMs() + TRACE_MS < begun.measureToMs) {
    const next = monotonicMs() + ROUND_MS;
    const { longestMs, busy } = await traced(session, TRACE_MS);
    rounds.push({ longestMs, busy, bytes: (await heapOf(session)).bytes });
    await waitUntil(Math.min(next, begun.measureToMs));
  }
  const after = await heapOf(session);
  const longTasks = await page.evaluate<number[]>('window.longTasks');
  const shown = await page.getByTestId('device').count();
  const done: Done = await reports.done();
  const connection = await page.getByTestId('connection').getAttribute('data-state');
  await daemon.stop();
  if (shown !== DEVICES || connection !== 'connected') throw new Error(`${shown} devices, ${connection}`);

  const usable = loads.map(({ usableMs }) => usableMs);
  const scriptBytes = Math.max(...loads.map((load) => load.scriptBytes));
  const longestMs = Math.max(...rounds.map((round) => round.longestMs));
  const growth = after.bytes - before.bytes;
  return {
    title: `The dashboard: ${DEVICES} devices at ${READINGS_PER_SECOND / DEVICES} readings a second each`,
    aims: [
      {
        what: 'JavaScript of the first load, compressed',
        aim: `≤ ${FIRST_LOAD_MAX_BYTES / 1_000} KB`,
        measured: `${(scriptBytes / 1_000).toFixed(1)} KB`,
        met: scriptBytes <= FIRST_LOAD_MAX_BYTES,
      },
      {
        what: `all ${DEVICES} devices shown with their values`,
        aim: `≤ ${INTERACTIVE_MAX_MS / 1_000} s`,
        measured: `${ms(median(usable))} (the slowest of ${LOADS}: ${ms(Math.max(...usable))})`,
        met: median(usable) <= INTERACTIVE_MAX_MS,
      },
      {
        what: `growth of the page’s memory in ${measureMs / 60_000} min`,
        aim: 'none',
        measured: `${megabytes(before.bytes)} MB to ${megabytes(after.bytes)} MB`,
        met: growth <= GROWTH_MAX_BYTES,
      },
      {
        what: 'longest frame, by the browser’s tracing',
        aim: `≤ ${FRAME_MAX_MS} ms`,
        measured: ms(longestMs),
        met: longestMs <= FRAME_MAX_MS,
      },
    ],
    tables: [
      {
        title: 'First load',
        rows: [
          ['JavaScript', 'all files', 'usable, p50', 'usable, slowest', 'usable, phone size'],
          [
            `${(scriptBytes / 1_000).toFixed(1)} KB`,
            `${(Math.max(...loads.map(({ allBytes }) => allBytes)) / 1_000).toFixed(1)} KB`,
            ms(median(usable)),
            ms(Math.max(...usable)),
            ms(onPhone.usableMs),
          ],
        ],
      },
      {
        title: `Under load, ${count(done.reported)} readings in all`,
        rows: [
          ['', 'begin', 'end'],
          ['live JavaScript memory', `${megabytes(before.bytes)} MB`, `${megabytes(after.bytes)} MB`],
          ['nodes of the document', count(before.nodes), count(after.nodes)],
          [
            'longest task of the main thread',
            ms(rounds[0]?.longestMs ?? 0),
            ms(rounds.at(-1)?.longestMs ?? 0),
          ],
          ['main thread busy', cpu(rounds[0]?.busy ?? 0), cpu(rounds.at(-1)?.busy ?? 0)],
        ],
      },
    ],
    notes: [
      `Tasks of 50 ms or more in the whole time, collections of garbage that the measurement forces included: ${longTasks.length}${
        longTasks.length > 0 ? `, the longest ${ms(Math.max(...longTasks))}` : ''
      }.`,
    ],
    how: [
      `Headless Chromium on the same machine as the gateway. ${LOADS} loads with an empty profile each, while readings come: from the navigation until each of the ${DEVICES} cards has a value and the browser has drawn a frame with them. Sizes are those of the bodies as they were sent.`,
      `Then one page for ${measureMs / 60_000} min. Every ${ROUND_MS / 1_000} s the browser traces itself for ${TRACE_MS / 1_000} s; a frame cannot come while a task of the page’s main thread runs, so the longest of these is the longest frame. Memory is what the engine counts as live after a collection.`,
    ],
  };
}

export const dashboard: Benchmark = { name: 'dashboard', run };
