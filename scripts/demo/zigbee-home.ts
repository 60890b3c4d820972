/** The Zigbee part of the demo: a simulated stick with one device of each kind, paired as a person would pair them. */
import { join } from 'node:path';
import { typeIdOf } from '../../addons/zigbee/src/type-id.ts';
import { SimulatedHome } from '../../test/simulators/zigbee/home.ts';
import type { LocalApi } from '../../test/support/local-api.ts';
import { until } from '../../test/support/until.ts';

interface DeviceView {
  id: string;
  name: string;
  status?: { eventType: string; reason?: { message: string } };
}
interface Health {
  parts: Record<string, { state: string; reason?: string }>;
}

/** The protocol keeps the port that it was installed with: the stick is always at the same one. */
const STICK_PORT = Number(process.env['SIMULATED_STICK_PORT'] ?? 26638);

/** The stick's memory outlives the demo, as a real one's does. */
export function startHome(dataFolder: string): Promise<SimulatedHome> {
  return SimulatedHome.start({ port: STICK_PORT, nvFile: join(dataFolder, 'demo-stick.json') });
}

/** Installs the protocol and pairs what is not paired yet; the simulated devices begin each demo without a network. */
export async function pairHome(api: LocalApi, home: SimulatedHome): Promise<void> {
  await api.call('POST', '/device/v1/protocols/zigbee/installation', {
    parameters: { port: home.radio.url },
  });
  await until(
    'the simulated coordinator works',
    async () => (await api.get<Health>('/health/ready')).parts['addon:zigbee']?.state === 'running',
    60_000,
  );
  const wanted = [
    { name: 'Demo thermometer', type: typeIdOf('SONOFF', 'SNZB-02'), device: home.sensor },
    { name: 'Demo lamp', type: typeIdOf('Innr', 'RB 285 C'), device: home.bulb },
    { name: 'Demo door', type: typeIdOf('SONOFF', 'SNZB-04'), device: home.door },
  ];
  for (const { name, type, device } of wanted) {
    const known = (await api.get<DeviceView[]>('/device/v1/devices')).find((each) => each.name === name);
    const { id } =
      known ??
      (await api.send<DeviceView>('POST', '/device/v1/devices', {
        name,
        type,
        parameters: { touchlink: false },
      }));
    await letIn(api, id, device);
  }
}

async function letIn(api: LocalApi, id: string, device: { seek(): void }): Promise<void> {
  await api.send('POST', `/device/v1/devices/${id}/pair`);
  device.seek();
  const { name, status } = await until(
    'the pairing ends',
    async () => {
      const now = await api.get<DeviceView>(`/device/v1/devices/${id}`);
      return now.status?.eventType !== 'discovering' && now;
    },
    60_000,
  );
  if (status?.eventType !== 'paired') throw new Error(`${name}: ${status?.reason?.message}`);
}
