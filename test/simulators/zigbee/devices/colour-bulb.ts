/** A colour bulb that routes and has Touchlink: Innr RB 285 C. */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { basic, Identify } from '../zcl/clusters/basic.ts';
import { Groups } from '../zcl/clusters/groups.ts';
import { ColourControl, Level, OnOff } from '../zcl/clusters/lighting.ts';

export interface BulbState {
  on: boolean;
  /** 1 to 254. */
  level: number;
  /** As the colour cluster has it: hue and saturation up to 254, x and y up to 65,279, mode 0 hs, 1 xy, 2 temperature. */
  colour: ColourControl['state'];
}

export class ColourBulb extends SimulatedDevice {
  readonly #onOff = new OnOff();
  readonly #level = new Level(this.#onOff);
  readonly #colour = new ColourControl();

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: 0x1166, mains: true, router: true }, options);
    const identity = { manufacturer: 'innr', model: 'RB 285 C', powerSource: 1, softwareBuild: '2.0' };
    const endpoint: DeviceEndpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x010d,
      servers: [
        basic(identity),
        new Identify(),
        new Groups(() => endpoint.groups),
        this.#onOff,
        this.#level,
        this.#colour,
      ],
      clients: [0x0019],
    });
  }

  get state(): BulbState {
    return { on: this.#onOff.on, level: this.#level.level, colour: this.#colour.state };
  }

  /** Somebody presses a switch that is wired to it, or its own app does. */
  turn(on: boolean): void {
    this.#onOff.turn(on);
  }
}
