/**
 * A remote control that commands whatever it is bound to, the coordinator, a lamp or a group: IKEA TRADFRI on/off switch
 * (E1743).
 */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { basic, battery, Identify } from '../zcl/clusters/basic.ts';

const ON_OFF = 0x0006;
const LEVEL = 0x0008;
const POLL_MS = 1_000;

export class Remote extends SimulatedDevice {
  readonly #endpoint: DeviceEndpoint;

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: 0x117c, mains: false, router: false }, { pollMs: POLL_MS, ...options });
    const identity = { manufacturer: 'IKEA of Sweden', model: 'TRADFRI on/off switch', powerSource: 3 };
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0820,
      servers: [basic(identity), battery(87), new Identify()],
      clients: [0x0003, 0x0004, ON_OFF, LEVEL, 0x0019],
    });
  }

  press(button: 'on' | 'off'): void {
    this.#endpoint.command(ON_OFF, button === 'on' ? 0x01 : 0x00);
  }
}
