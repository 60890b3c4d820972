/**
 * `npm run screenshots`: pictures of the dashboard for the README and the guides, in `docs/images`, of the house that
 * `npm run demo` shows. What it starts ends with it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { PHONE, TestBrowser } from '../test/support/browser.ts';
import { Daemon } from '../test/support/daemon.ts';
import { LocalApi } from '../test/support/local-api.ts';
import { openStore } from '../test/support/open-store.ts';
import { buildDashboardIfStale } from './dashboard/build.ts';
import { freePort } from './peers/free-port.ts';

interface DeviceView {
  id: string;
  name: string;
}

const OUT = resolve(import.meta.dirname, '../docs/images');
const DESK = { viewport: { width: 1280, height: 800 } } as const;
/** With room for a chart below the values. */
const TALL = { viewport: { width: 1280, height: 920 } } as const;
const QUALITY = 82;
const ROOMS: Readonly<Record<string, string>> = {
  'Living room': 'Living room',
  'Demo lamp': 'Living room',
  'Demo thermometer': 'Living room',
  'Demo door': 'Hall',
  'Demo KNX light': 'Hall',
  'Demo KNX room': 'Bedroom',
  'Demo WLED': 'Bedroom',
  'Demo kitchen': 'Kitchen',
  'Demo plug': 'Kitchen',
  'Demo Shelly': 'Kitchen',
  'Demo boiler': 'Cellar',
  'Demo 3EM': 'Cellar',
  'Demo P1 meter': 'Cellar',
  'Demo Tasmota': 'Cellar',
};
const DAY_MS = 86_400_000;
const PACE_MS = 120_000;

/** A device with a day behind it: a chart of the first minutes says little. */
async function withPast(dataFolder: string): Promise<string> {
  const daemon = await Daemon.start({ dataFolder });
  const body = { name: 'Living room', isVirtual: true };
  const { id } = await daemon.api.send<DeviceView>('POST', '/device/v1/devices', body);
  await daemon.stop();
  const { store } = await openStore(dataFolder);
  const now = Date.now();
  for (let ts = now - DAY_MS; ts < now; ts += PACE_MS) {
    const hour = (ts % DAY_MS) / 3_600_000;
    const sun = Math.max(0, Math.sin(((hour - 6) / 12) * Math.PI));
    const data = {
      temperature: Math.round((19.4 + 2.6 * sun + Math.sin(ts / 900_000) * 0.25) * 100) / 100,
      humidity: Math.round((52 - 9 * sun + Math.sin(ts / 1_400_000) * 1.5) * 10) / 10,
      co2: Math.round(
        560 + 260 * Math.max(0, Math.sin(((hour - 15) / 8) * Math.PI)) + Math.sin(ts / 500_000) * 20,
      ),
    };
    await store.append('virtual', { deviceId: id, id: String(ts), ts, data });
  }
  await store.stop();
  return id;
}

async function demo(dataFolder: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn(process.execPath, ['scripts/demo.ts'], {
    env: {
      ...process.env,
      DATA_FOLDER: dataFolder,
      CONFIG_FOLDER: join(dataFolder, 'config'),
      PORT: String(port),
      BIND: '127.0.0.1',
      LOCAL_BROKER_PORT: '0',
      ADDON_RUNTIME: 'process',
      SIMULATED_STICK_PORT: String(await freePort()),
      SIMULATED_KNX_PORT: String(await freePort()),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) if (line === 'Readings') break;
  child.stdout.resume();
  return {
    port,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function shoot(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  const picture = Buffer.from(data, 'base64');
  writeFileSync(join(OUT, `${name}.webp`), picture);
  console.log(`${name}.webp: ${Math.round(picture.length / 1_000)} KB`);
}

await buildDashboardIfStale();
mkdirSync(OUT, { recursive: true });
const dataFolder = mkdtempSync(join(tmpdir(), 'gate-screenshots-'));
const past = await withPast(dataFolder);
const { port, stop } = await demo(dataFolder);
const browser = await TestBrowser.start();
try {
  const api = new LocalApi(join(dataFolder, 'gate.sock'));
  const devices = await api.get<DeviceView[]>('/device/v1/devices');
  for (const { id, name } of devices)
    if (ROOMS[name]) await api.send('PATCH', `/device/v1/devices/${id}`, { room: ROOMS[name] });
  const lamp = devices.find(({ name }) => name === 'Demo lamp')?.id ?? '';
  await api.call('POST', `/device/v1/control/${lamp}/set`, { state: 'ON', brightness: 180 });

  const visit = async (path: string, options: BrowserContextOptions) => {
    const { page } = await browser.open(`http://127.0.0.1:${port}/#${path}`, {
      deviceScaleFactor: 1,
      ...options,
    });
    await page.waitForLoadState('networkidle').catch(() => undefined);
    return page;
  };
  /** Values come, and charts are drawn. */
  const settled = () => pause(2_500);

  const overview = await visit('/', DESK);
  await overview.getByTestId('device').first().waitFor();
  await settled();
  await shoot(overview, 'dashboard-overview');

  const device = await visit(`/devices/${past}`, { ...TALL, colorScheme: 'dark' });
  await device.getByTestId('span-day').click();
  await device.getByTestId('draw-humidity').click();
  await settled();
  await shoot(device, 'dashboard-history-dark');

  const add = await visit('/add', DESK);
  await add.getByTestId('type-search').fill('hue white');
  await add.getByTestId('type-option').first().waitFor();
  await settled();
  await shoot(add, 'dashboard-add');

  const { clientId, clientSecret } = await api.send<{ clientId: string; clientSecret: string }>(
    'POST',
    '/authentication/v1/clients',
    { name: 'pictures', scopes: ['admin'] },
  );
  const administrator = await visit('/protocols', DESK);
  await administrator.getByTestId('ask-log-in').first().click();
  await administrator.getByLabel('Client id').fill(clientId);
  await administrator.getByLabel('Client secret').fill(clientSecret);
  await administrator.getByTestId('log-in').getByRole('button', { name: 'Log in' }).click();
  await administrator.getByTestId('log-in').waitFor({ state: 'detached' });
  await settled();
  await shoot(administrator, 'dashboard-protocols');

  await administrator.evaluate("location.hash = '/maintenance'");
  await administrator.getByRole('heading', { name: 'Maintenance' }).waitFor();
  await settled();
  await shoot(administrator, 'dashboard-maintenance');

  const phone = await visit(`/devices/${lamp}`, { ...PHONE, deviceScaleFactor: 1.5 });
  await phone.getByRole('switch').first().waitFor();
  await settled();
  await shoot(phone, 'dashboard-phone');
} finally {
  await browser.stop();
  await stop();
  rmSync(dataFolder, { recursive: true, force: true });
}
