/** A socket with a power meter that routes and is updated over the air: Innr SP 120. */
import { DeviceEndpoint } from '../endpoint.ts';
import { Cluster } from '../zcl/cluster.ts';
import { basic, Identify } from '../zcl/clusters/basic.ts';
import { Groups } from '../zcl/clusters/groups.ts';
import { OnOff } from '../zcl/clusters/lighting.ts';
import { Type } from '../zcl/data-types.ts';
import { UpgradableDevice, type UpgradableOptions } from './upgradable.ts';

const IMAGE_TYPE = 0x0120;
const METERING = 0x0702;
const ENERGY = 0x0000;
const ELECTRICAL = 0x0b04;
const Electrical = { volts: 0x0505, milliamperes: 0x0508, watts: 0x050b };
const VOLTS = 230;
const WATT_MS_PER_KWH = 3.6e9;

export class MeteringPlug extends UpgradableDevice {
  readonly #onOff = new OnOff();
  readonly #endpoint: DeviceEndpoint;
  #loadWatts = 60;
  #kilowattHours = 12.34;

  constructor(options: UpgradableOptions = {}) {
    super({ manufacturerCode: 0x1166, mains: true, router: true }, IMAGE_TYPE, options);
    this.#onOff.onSwitch = () => this.#measure();
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0051,
      servers: [
        basic({ manufacturer: 'innr', model: 'SP 120', powerSource: 1, softwareBuild: '1.0.0' }),
        new Identify(),
        new Groups(() => this.endpoint(1).groups),
        this.#onOff,
        metering(),
        electrical(),
      ],
      clients: [this.ota],
    });
  }

  get state() {
    const { volts, milliamperes, watts } = Electrical;
    const meter = this.#endpoint.server(ELECTRICAL);
    return {
      on: this.#onOff.on,
      volts: meter.number(volts),
      milliamperes: meter.number(milliamperes),
      watts: meter.number(watts),
      kilowattHours: this.#endpoint.server(METERING).number(ENERGY) / 100,
    };
  }

  /** Somebody presses the button on it. */
  pressButton(): void {
    this.#onOff.turn(!this.#onOff.on);
  }

  /** Somebody plugs in an appliance. Told as reporting was configured. */
  plugIn(watts: number): void {
    this.#loadWatts = watts;
    this.#measure();
  }

  /** What it measures, told now. */
  report(watts: number, kilowattHours: number): void {
    this.#kilowattHours = kilowattHours;
    this.#endpoint.tell(ELECTRICAL, values(watts));
    this.#endpoint.tell(METERING, { [ENERGY]: Math.round(kilowattHours * 100) });
  }

  /** So much power for so long, told now. */
  consume(watts: number, ms: number): void {
    this.report(watts, this.#kilowattHours + (watts * ms) / WATT_MS_PER_KWH);
  }

  #measure(): void {
    const meter = this.#endpoint.server(ELECTRICAL);
    const watts = this.#onOff.on ? this.#loadWatts : 0;
    for (const [id, value] of Object.entries(values(watts))) meter.set(Number(id), value);
  }
}

function values(watts: number): Record<number, number> {
  const { volts, milliamperes } = Electrical;
  return {
    [volts]: VOLTS,
    [milliamperes]: Math.round((watts / VOLTS) * 1000),
    [Electrical.watts]: Math.round(watts),
  };
}

function metering(): Cluster {
  return new Cluster(METERING, [
    { id: ENERGY, type: Type.uint48, value: 1_234 },
    { id: 0x0300, type: Type.enum8, value: 0 },
    { id: 0x0301, type: Type.uint24, value: 1 },
    { id: 0x0302, type: Type.uint24, value: 100 },
    { id: 0x0400, type: Type.int24, value: 0 },
  ]);
}

function electrical(): Cluster {
  const { volts, milliamperes, watts } = Electrical;
  return new Cluster(ELECTRICAL, [
    { id: volts, type: Type.uint16, value: VOLTS },
    { id: milliamperes, type: Type.uint16, value: 0 },
    { id: watts, type: Type.int16, value: 0 },
    { id: 0x0600, type: Type.uint16, value: 1 },
    { id: 0x0601, type: Type.uint16, value: 1 },
    { id: 0x0602, type: Type.uint16, value: 1 },
    { id: 0x0603, type: Type.uint16, value: 1_000 },
    { id: 0x0604, type: Type.uint16, value: 1 },
    { id: 0x0605, type: Type.uint16, value: 1 },
  ]);
}
