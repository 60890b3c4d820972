/** A door contact on a battery, an IAS zone that has to be enrolled: SONOFF SNZB-04 (model DS01 of eWeLink). */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { basic, battery, batteryValues, Identify, POWER } from '../zcl/clusters/basic.ts';
import { IAS_ZONE, IasZone, ZoneType } from '../zcl/clusters/ias-zone.ts';

const MANUFACTURER = 0x1286;
const POLL_MS = 1_000;

export class ContactSensor extends SimulatedDevice {
  readonly #zone: IasZone;
  readonly #endpoint: DeviceEndpoint;

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: MANUFACTURER, mains: false, router: false }, { pollMs: POLL_MS, ...options });
    this.#zone = new IasZone(ZoneType.contact, MANUFACTURER, (command, payload) => {
      this.#endpoint.notify(IAS_ZONE, command, payload);
    });
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0402,
      servers: [
        basic({ manufacturer: 'eWeLink', model: 'DS01', powerSource: 3 }),
        new Identify(),
        battery(80),
        this.#zone,
      ],
      clients: [0x0003],
    });
  }

  get open(): boolean {
    return this.#zone.alarm;
  }

  get enrolled(): boolean {
    return this.#zone.enrolled;
  }

  /** The door opens or closes; the coordinator is told once it has enrolled the sensor. */
  move(open: boolean): void {
    this.#zone.change(open);
  }

  /** Percent. Told now. */
  reportBattery(percent: number): void {
    this.#endpoint.tell(POWER, batteryValues(percent));
  }

  override reset(): void {
    super.reset();
    this.#zone.forget();
  }
}
