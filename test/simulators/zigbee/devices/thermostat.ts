/**
 * A radiator thermostat on batteries that sleeps and checks in: eCozy 1TST-EU. Its clusters are on endpoint 3, and it
 * controls the valve by itself.
 */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { Cluster } from '../zcl/cluster.ts';
import { basic, battery, Identify } from '../zcl/clusters/basic.ts';
import { POLL_CONTROL, PollControl } from '../zcl/clusters/poll-control.ts';
import { THERMOSTAT, Thermo, ThermostatCluster } from '../zcl/clusters/thermostat.ts';
import { Type } from '../zcl/data-types.ts';

const ENDPOINT = 3;
const POLL_MS = 1_000;
const CHECK_IN = 0x00;
const DEMAND_PER_DEGREE = 50;
const MODE_OFF = 0;

export class Thermostat extends SimulatedDevice {
  readonly #cluster = new ThermostatCluster();
  readonly #endpoint: DeviceEndpoint;

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: 0x119d, mains: false, router: false }, { pollMs: POLL_MS, ...options });
    this.#endpoint = new DeviceEndpoint(this, {
      id: ENDPOINT,
      deviceId: 0x0301,
      servers: [
        basic({ manufacturer: 'eCozy GmbH', model: 'Thermostat', powerSource: 3 }),
        battery(75),
        new Identify(),
        new PollControl((ms) => this.stayAwake(ms)),
        this.#cluster,
        new Cluster(0x0204, [{ id: 0x0001, type: Type.enum8, value: 0, writable: true }]),
      ],
      clients: [0x000a],
    });
    this.#cluster.onWrite = () => this.#control();
  }

  /** Celsius; percent for the valve. */
  get state() {
    return {
      temperature: this.#cluster.number(Thermo.localTemperature) / 100,
      setpoint: this.#cluster.number(Thermo.heatingSetpoint) / 100,
      mode: this.#cluster.number(Thermo.systemMode),
      valve: this.#cluster.number(Thermo.heatingDemand),
    };
  }

  /** The room's temperature, told as reporting was configured. */
  measure(celsius: number): void {
    this.#cluster.set(Thermo.localTemperature, Math.round(celsius * 100));
    this.#control();
  }

  /** The room's temperature, told now. */
  report(celsius: number): void {
    this.#endpoint.tell(THERMOSTAT, { [Thermo.localTemperature]: Math.round(celsius * 100) });
    this.#control();
  }

  /** Asks whether anybody wants it to stay awake. */
  checkIn(): void {
    this.#endpoint.notify(POLL_CONTROL, CHECK_IN, Buffer.alloc(0));
  }

  #control(): void {
    const { temperature, setpoint, mode } = this.state;
    const wanted = mode === MODE_OFF ? 0 : Math.max(0, setpoint - temperature) * DEMAND_PER_DEGREE;
    const valve = Math.min(100, Math.round(wanted));
    this.#cluster.set(Thermo.heatingDemand, valve);
    this.#cluster.set(Thermo.runningState, valve > 0 ? 1 : 0);
  }
}
