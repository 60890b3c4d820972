/**
 * A temperature and humidity sensor on a battery: SONOFF SNZB-02 (model TH01 of eWeLink), or whatever model it is given.
 * It sleeps, and polls its parent.
 */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { Cluster } from '../zcl/cluster.ts';
import { BASIC, basic, battery, batteryValues, Identify, POWER } from '../zcl/clusters/basic.ts';
import { Type } from '../zcl/data-types.ts';

const TEMPERATURE = 0x0402;
const HUMIDITY = 0x0405;
const VALUE = 0x0000;
const MODEL = 0x0005;
const POLL_MS = 1_000;

export interface Climate {
  /** Celsius. */
  temperature?: number;
  /** Percent. */
  humidity?: number;
  /** Percent. */
  battery?: number;
}

export interface SensorOptions extends DeviceOptions {
  /** Another model, as one that nobody supports. */
  model?: string;
  manufacturer?: string;
}

export class TemperatureSensor extends SimulatedDevice {
  readonly #endpoint: DeviceEndpoint;

  constructor(options: SensorOptions = {}) {
    super({ manufacturerCode: 0x1286, mains: false, router: false }, { pollMs: POLL_MS, ...options });
    const { manufacturer = 'eWeLink', model = 'TH01' } = options;
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0302,
      servers: [
        basic({ manufacturer, model, powerSource: 3 }),
        new Identify(),
        new Cluster(TEMPERATURE, [{ id: VALUE, type: Type.int16, value: 2_100 }]),
        new Cluster(HUMIDITY, [{ id: VALUE, type: Type.uint16, value: 4_500 }]),
        battery(90),
      ],
      clients: [0x0003],
    });
  }

  get climate(): Required<Climate> {
    return {
      temperature: this.#endpoint.server(TEMPERATURE).number(VALUE) / 100,
      humidity: this.#endpoint.server(HUMIDITY).number(VALUE) / 100,
      battery: this.#endpoint.server(POWER).number(0x0021) / 2,
    };
  }

  /** New values, told to the coordinator as reporting was configured. */
  measure(climate: Climate): void {
    for (const [cluster, values] of valuesOf(climate)) {
      for (const [id, value] of Object.entries(values)) this.#endpoint.server(cluster).set(Number(id), value);
    }
  }

  /** New values, told to the coordinator now. */
  report(climate: Climate): void {
    for (const [cluster, values] of valuesOf(climate)) this.#endpoint.tell(cluster, values);
  }

  /** As when its button is pressed: it tells who it is. */
  pressButton(): void {
    this.#endpoint.tell(BASIC, { [MODEL]: this.#endpoint.server(BASIC).get(MODEL) });
  }
}

function valuesOf({ temperature, humidity, battery: charge }: Climate): [number, Record<number, number>][] {
  const values: [number, Record<number, number>][] = [];
  if (temperature !== undefined) values.push([TEMPERATURE, { [VALUE]: Math.round(temperature * 100) }]);
  if (humidity !== undefined) values.push([HUMIDITY, { [VALUE]: Math.round(humidity * 100) }]);
  if (charge !== undefined) values.push([POWER, batteryValues(charge)]);
  return values;
}
