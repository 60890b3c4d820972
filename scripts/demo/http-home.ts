/** The HTTP part of the demo: one simulated device of each family, found in the network and paired as a person would do it. */
import { HomeWizardP1 } from '../../test/simulators/http/homewizard.ts';
import type { HttpDevice } from '../../test/simulators/http/http-device.ts';
import { Shelly3Em } from '../../test/simulators/http/shelly-em3.ts';
import { ShellyPlusPlugS } from '../../test/simulators/http/shelly-gen2.ts';
import { TasmotaPlug } from '../../test/simulators/http/tasmota.ts';
import { WledStrip } from '../../test/simulators/http/wled.ts';
import type { LocalApi } from '../../test/support/local-api.ts';
import { until } from '../../test/support/until.ts';

interface DeviceView {
  id: string;
  name: string;
  status?: { eventType: string; reason?: { message: string } };
}
interface Candidate {
  type: string;
  parameters: { identity?: string };
  deviceId?: string;
}

/** Of the simulated plug, as its owner has set it. */
const PLUG_PASSWORD = 'demo';
/** Nobody else's device is paired by the demo: these are told by who they are. */
const MACS = {
  plug: 'E86BEADE0001',
  meter: '7C87CEDE0002',
  tasmota: '24A160DE0003',
  strip: '30AEA4DE0004',
  p1: '3C39E7DE0005',
};
const FIND_MS = 60_000;

export class HttpHome {
  readonly #devices: { name: string; device: HttpDevice; more?: object }[] = [
    {
      name: 'Demo Shelly',
      device: new ShellyPlusPlugS({ mac: MACS.plug, password: PLUG_PASSWORD }),
      more: { authentication: { password: PLUG_PASSWORD } },
    },
    { name: 'Demo 3EM', device: new Shelly3Em({ mac: MACS.meter }) },
    { name: 'Demo Tasmota', device: new TasmotaPlug({ mac: MACS.tasmota }) },
    { name: 'Demo WLED', device: new WledStrip({ mac: MACS.strip }) },
    { name: 'Demo P1 meter', device: new HomeWizardP1({ mac: MACS.p1 }) },
  ];

  /** Each has an address of its own, and announces itself. */
  async start(): Promise<void> {
    for (const [at, { device }] of this.#devices.entries()) {
      await device.start(0, `127.0.5.${at + 1}`);
      device.announce();
    }
  }

  async stop(): Promise<void> {
    for (const { device } of this.#devices) await device.stop();
  }

  /** The ports are others at every start: what is paired already is found again by the gateway itself. */
  async pair(api: LocalApi): Promise<void> {
    const known = new Set((await api.get<DeviceView[]>('/device/v1/devices')).map(({ name }) => name));
    const wanted = this.#devices.filter(({ name }) => !known.has(name));
    if (wanted.length === 0) return;
    const found = await until(
      'the simulated HTTP devices are found',
      async () => {
        const candidates = await api.send<Candidate[]>('POST', '/device/v1/protocols/http/scan');
        const byIdentity = new Map(candidates.map((each) => [each.parameters.identity, each]));
        return wanted.every(({ device }) => byIdentity.has(device.mac)) && byIdentity;
      },
      FIND_MS,
    );
    for (const { name, device, more } of wanted) {
      const { type, parameters } = found.get(device.mac) as Candidate;
      const body = { name, type, parameters: { ...parameters, ...more }, pair: true };
      const { id } = await api.send<DeviceView>('POST', '/device/v1/devices', body);
      const ended = await until('the pairing ends', async () => {
        const now = await api.get<DeviceView>(`/device/v1/devices/${id}`);
        return now.status?.eventType !== 'discovering' && now;
      });
      if (ended.status?.eventType !== 'paired') throw new Error(`${name}: ${ended.status?.reason?.message}`);
    }
  }
}
