/** The motor of a roller shutter, on mains power, that routes: ADEO WSD005. Position 0 is closed to its user. */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { basic, Identify } from '../zcl/clusters/basic.ts';
import { WindowCovering } from '../zcl/clusters/window-covering.ts';

const TRAVEL_MS = 500;

export class RollerShutter extends SimulatedDevice {
  readonly #covering = new WindowCovering(TRAVEL_MS);

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: 0x1277, mains: true, router: true }, options);
    new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0202,
      servers: [
        basic({ manufacturer: 'ADEO', model: 'WSD005', powerSource: 1 }),
        new Identify(),
        this.#covering,
      ],
      clients: [],
    });
  }

  /** Percent. */
  get closed(): number {
    return this.#covering.closedPercent;
  }
}
