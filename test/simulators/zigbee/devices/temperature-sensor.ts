/**
 * A temperature and humidity sensor on a battery: SONOFF SNZB-02 (model TH01 of eWeLink). It sleeps, and polls its
 * parent.
 */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { Cluster } from '../zcl/cluster.ts';
import { BASIC, basic, battery, Identify, POWER, setBattery } from '../zcl/clusters/basic.ts';
import { Type } from '../zcl/data-types.ts';

const TEMPERATURE = 0x0402;
const HUMIDITY = 0x0405;
const VALUE = 0x0000;
const POLL_MS = 1_000;

export interface Climate {
  /** Celsius. */
  temperature?: number;
  /** Percent. */
  humidity?: number;
  /** Percent. */
  battery?: number;
}

export class TemperatureSensor extends SimulatedDevice {
  readonly #endpoint: DeviceEndpoint;

  constructor(options: DeviceOptions & { model?: string; manufacturer?: string } = {}) {
    super({ manufacturerCode: 0x1286, mains: false, router: false }, { pollMs: POLL_MS, ...options });
    const identity = {
      manufacturer: options.manufacturer ?? 'eWeLink',
      model: options.model ?? 'TH01',
      powerSource: 3,
    };
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0302,
      servers: [
        basic(identity),
        new Identify(),
        measured(TEMPERATURE, Type.int16, 2_100),
        measured(HUMIDITY, Type.uint16, 4_500),
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
    const { temperature, humidity } = climate;
    if (temperature !== undefined)
      this.#endpoint.server(TEMPERATURE).set(VALUE, Math.round(temperature * 100));
    if (humidity !== undefined) this.#endpoint.server(HUMIDITY).set(VALUE, Math.round(humidity * 100));
    if (climate.battery !== undefined) setBattery(this.#endpoint.server(POWER), climate.battery);
  }

  /** New values, told to the coordinator now. */
  report(climate: Climate): void {
    this.#quietly(() => this.measure(climate));
    if (climate.temperature !== undefined) this.#send(TEMPERATURE);
    if (climate.humidity !== undefined) this.#send(HUMIDITY);
    if (climate.battery !== undefined) this.#send(POWER);
  }

  /** As when its button is pressed: it tells who it is. */
  pressButton(): void {
    this.#send(BASIC);
  }

  #send(clusterId: number): void {
    const cluster = this.#endpoint.server(clusterId);
    const sent =
      clusterId === BASIC ? cluster.attributes().filter(({ id }) => id === 0x0005) : cluster.attributes();
    this.#endpoint.report(clusterId, sent);
  }

  /** Sets values without the reports that would follow by themselves. */
  #quietly(change: () => void): void {
    const heard = [...this.#endpoint.servers.values()].map((server) => ({
      server,
      onChange: server.onChange,
    }));
    for (const { server } of heard) server.onChange = undefined;
    change();
    for (const { server, onChange } of heard) server.onChange = onChange;
  }
}

function measured(id: number, type: number, value: number): Cluster {
  return new Cluster(id, [{ id: VALUE, type, value }]);
}
