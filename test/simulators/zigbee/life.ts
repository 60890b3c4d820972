/** Devices that live: temperatures drift, a door opens and closes, appliances draw power, rooms follow thermostats. */
import type { SimulatedDevice } from './device.ts';
import { ContactSensor } from './devices/contact-sensor.ts';
import { MeteringPlug } from './devices/metering-plug.ts';
import { TemperatureSensor } from './devices/temperature-sensor.ts';
import { Thermostat } from './devices/thermostat.ts';
import { seededRandom } from './random.ts';

export interface LifeOptions {
  seed?: number;
  /** How often something may happen, in milliseconds. */
  everyMs?: number;
}

const EVERY_MS = 5_000;
const COMFORTABLE_CELSIUS = 21;
/** How much of the way to where it belongs a value goes in one step. */
const PULL = 0.05;
const DOOR_MOVES = 0.15;

export class Life {
  readonly #random: () => number;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LifeOptions = {}) {
    this.#random = seededRandom(options.seed ?? 1);
    this.#everyMs = options.everyMs ?? EVERY_MS;
  }

  /** @param devices read anew at each step, so that it may grow */
  start(devices: Iterable<SimulatedDevice>): void {
    this.stop();
    this.#timer = setInterval(() => this.step(devices), this.#everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One step of everybody who is in a network. */
  step(devices: Iterable<SimulatedDevice>): void {
    for (const device of devices) if (device.joined) this.#live(device);
  }

  #live(device: SimulatedDevice): void {
    if (device instanceof TemperatureSensor) {
      const { temperature, humidity } = device.climate;
      device.report({
        temperature: this.#drift(temperature, COMFORTABLE_CELSIUS, 0.3),
        humidity: this.#drift(humidity, 45, 1),
      });
    } else if (device instanceof ContactSensor) {
      if (this.#random() < DOOR_MOVES) device.move(!device.open);
    } else if (device instanceof MeteringPlug) {
      const watts = device.state.on ? this.#drift(60, 60, 5) : 0;
      device.consume(watts, this.#everyMs);
    } else if (device instanceof Thermostat) {
      const { temperature, setpoint, mode } = device.state;
      device.report(this.#drift(temperature, mode === 0 ? 16 : setpoint, 0.1));
    }
  }

  #drift(value: number, home: number, most: number): number {
    return value + (home - value) * PULL + (this.#random() * 2 - 1) * most;
  }
}
