/**
 * `npm run demo`: the gateway with simulated devices around it, and what a newcomer wants to see first: where the API
 * is, which devices there are, and their readings as they come. Settings are those of `npm start`.
 */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ShellyPlugS } from '../test/simulators/shelly-plug-s.ts';
import type { SimulatedHome } from '../test/simulators/zigbee/home.ts';
import { NODE_FLAGS } from '../test/support/daemon.ts';
import { LocalApi } from '../test/support/local-api.ts';
import { until } from '../test/support/until.ts';
import { HttpHome } from './demo/http-home.ts';
import { KnxHouse } from './demo/knx-house.ts';
import { pairHome, startHome } from './demo/zigbee-home.ts';

interface DeviceView {
  id: string;
  name: string;
  isGateway: boolean;
  isVirtual: boolean;
  address?: { ieeeAddress?: string; datapoints?: string[] };
  status?: { eventType: string; reason?: { message: string; hint?: string } };
}
interface Page {
  data: { data: object; ts: string }[];
  totalItems: number;
}

/** The generic HTTP device, as the add-on's manifest has it. */
const HTTP_DEVICE_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';
const PLUG_NAME = 'Demo plug';
const SENSOR_NAMES = ['Demo kitchen', 'Demo boiler'];
/** Beside the plug every 5 s, the virtual ones every 30 s: enough to see, not too much to read. */
const READINGS_SHOWN = 8;

const dataFolder = resolve(process.env['DATA_FOLDER'] || 'data');
const plug = new ShellyPlugS();
const plugPort = await plug.start(0);
const httpHome = new HttpHome();
await httpHome.start();
mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
const home: SimulatedHome = await startHome(dataFolder);
const knxHouse = await KnxHouse.start();

// before the daemon: whoever opens the page meanwhile would be told that it is not built
await import('./dashboard.ts');

const daemon = spawn(process.execPath, [...NODE_FLAGS, 'src/main.ts'], {
  env: { LOG_LEVEL: 'warn', ...process.env, DATA_FOLDER: dataFolder },
  stdio: ['ignore', 'inherit', 'inherit'],
});
daemon.once('exit', async (code, signal) => {
  await plug.stop();
  await httpHome.stop();
  await home.stop();
  await knxHouse?.stop();
  process.exit(code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1));
});
// Ctrl-C reaches the daemon as well as this process: it stops, and its end is ours
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => daemon.kill('SIGTERM'));

const api = new LocalApi(join(dataFolder, 'gate.sock'));

async function deviceNamed(name: string): Promise<DeviceView | undefined> {
  const devices = await api.get<DeviceView[]>('/device/v1/devices');
  return devices.find((device) => device.name === name);
}

async function addSensor(name: string): Promise<void> {
  if (await deviceNamed(name)) return;
  await api.send('POST', '/device/v1/devices', { name, isVirtual: true, demoActive: true, frequency: 30 });
}

/** The simulated plug gets another port at every start: a device that is there already is told, and paired anew. */
async function addPlug(): Promise<void> {
  const parameters = { hostname: '127.0.0.1', port: plugPort, interval: 5 };
  const known = await deviceNamed(PLUG_NAME);
  if (known) await api.send('PATCH', `/device/v1/devices/${known.id}`, { parameters });
  const wanted = { name: PLUG_NAME, type: HTTP_DEVICE_TYPE, parameters };
  const { id } = known ?? (await api.send<DeviceView>('POST', '/device/v1/devices', wanted));
  await until('the HTTP add-on takes the pairing', async () => {
    await api.send('POST', `/device/v1/devices/${id}/pair`);
    const device = await until('the pairing ends', async () => {
      const now = await api.get<DeviceView>(`/device/v1/devices/${id}`);
      return now.status?.eventType === 'discovering' ? undefined : now;
    });
    if (device.status?.eventType === 'paired') return true;
    throw new Error(device.status?.reason?.message);
  });
}

async function lastReading(id: string): Promise<Page['data'][number] | undefined> {
  const { data } = await api.get<Page>(`/device/v1/devices/${id}/data?sort=-ts&perPage=1`);
  return data[0];
}

function show(name: string, reading: Page['data'][number]): void {
  const text = JSON.stringify(reading.data);
  console.log(`  ${reading.ts}  ${name.padEnd(14)} ${text.length > 140 ? `${text.slice(0, 139)}…` : text}`);
}

async function introduce(): Promise<void> {
  await until('the gateway is up', () => api.get<object>('/health/live'));
  for (const name of SENSOR_NAMES) await addSensor(name);
  await addPlug();
  // each of them mostly waits
  await Promise.all([httpHome.pair(api), knxHouse?.pair(api), pairHome(api, home)]);
  const port = process.env['PORT'] || '1234';
  console.log(`\ngate is up.\n\n  dashboard  http://localhost:${port}/`);
  console.log(`  API        http://localhost:${port}/device/v1/devices`);
  console.log(`  socket.io  http://localhost:${port}`);
  console.log(`  all rights curl --unix-socket ${join(dataFolder, 'gate.sock')} http://gate/health/ready`);
  console.log(`  the plug   http://127.0.0.1:${plugPort}/relay/0?turn=on\n`);
  const devices = (await api.get<DeviceView[]>('/device/v1/devices')).filter(({ isGateway }) => !isGateway);
  console.log('Devices');
  for (const { id, name, isVirtual, address } of devices) {
    const protocol = address?.ieeeAddress ? 'Zigbee' : address?.datapoints ? 'KNX' : 'HTTP';
    const kind = `${protocol}, simulated`;
    console.log(`  ${id}  ${name.padEnd(20)} ${isVirtual ? 'virtual' : kind}`);
  }
  console.log('\nReadings');
  const shown = new Map<string, string>();
  for (let count = 0; count < Math.max(READINGS_SHOWN, devices.length); ) {
    await until(
      'another reading comes',
      async () => {
        for (const { id, name } of devices) {
          const reading = await lastReading(id);
          if (!reading || shown.get(id) === reading.ts) continue;
          shown.set(id, reading.ts);
          show(name, reading);
          count += 1;
          return true;
        }
        return false;
      },
      60_000,
    );
  }
  console.log('\n… and so on. The README goes on from here; Ctrl-C ends it.');
}

await introduce().catch((error: Error) => {
  console.error(`demo: ${error.message}${error.cause ? `: ${String(error.cause)}` : ''}`);
  daemon.kill('SIGTERM');
});
