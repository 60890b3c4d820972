/**
 * A small home for demonstrations: a stick and one device of each kind, alive. Devices are let in as people let them in:
 * joining is permitted, then `seek()` is what pressing a device's reset button is.
 */
import { AqaraButton } from './devices/aqara-button.ts';
import { ColourBulb } from './devices/colour-bulb.ts';
import { ContactSensor } from './devices/contact-sensor.ts';
import { MeteringPlug } from './devices/metering-plug.ts';
import { TemperatureSensor } from './devices/temperature-sensor.ts';
import { Thermostat } from './devices/thermostat.ts';
import { TuyaSwitch } from './devices/tuya-switch.ts';
import { Life, type LifeOptions } from './life.ts';
import { type RadioOptions, SimulatedRadio } from './radio.ts';

const IEEE = '0x00158d00de30000';

export class SimulatedHome {
  readonly radio: SimulatedRadio;
  readonly sensor = new TemperatureSensor({ ieee: `${IEEE}1` });
  readonly bulb = new ColourBulb({ ieee: `${IEEE}2` });
  readonly door = new ContactSensor({ ieee: `${IEEE}3` });
  readonly plug = new MeteringPlug({ ieee: `${IEEE}4` });
  readonly thermostat = new Thermostat({ ieee: `${IEEE}5` });
  readonly button = new AqaraButton({ ieee: `${IEEE}6` });
  readonly wallSwitch = new TuyaSwitch({ ieee: `${IEEE}7` });
  readonly #life: Life;

  private constructor(radio: SimulatedRadio, life: Life) {
    this.radio = radio;
    this.#life = life;
    for (const device of this.devices) radio.add(device);
    life.start(this.devices);
  }

  static async start(options: RadioOptions & LifeOptions = {}): Promise<SimulatedHome> {
    return new SimulatedHome(await SimulatedRadio.start(options), new Life(options));
  }

  get devices() {
    return [this.sensor, this.bulb, this.door, this.plug, this.thermostat, this.button, this.wallSwitch];
  }

  async stop(): Promise<void> {
    this.#life.stop();
    await this.radio.stop();
  }
}
