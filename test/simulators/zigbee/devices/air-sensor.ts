/**
 * An air quality sensor on mains power, with clusters of its maker's own: IKEA VINDSTYRKA E2112. Its fine dust is told in a
 * cluster that the standard has otherwise, its volatile compounds in one that is IKEA's alone.
 */
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import { Cluster } from '../zcl/cluster.ts';
import { basic, Identify } from '../zcl/clusters/basic.ts';
import { Type } from '../zcl/data-types.ts';

const MANUFACTURER = 0x117c;
const DUST = 0x042a;
const COMPOUNDS = 0xfc7e;
const VALUE = 0x0000;

export class AirSensor extends SimulatedDevice {
  readonly #endpoint: DeviceEndpoint;

  constructor(options: DeviceOptions = {}) {
    super({ manufacturerCode: MANUFACTURER, mains: true, router: false }, options);
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x0302,
      servers: [
        basic({ manufacturer: 'IKEA of Sweden', model: 'VINDSTYRKA', powerSource: 1 }),
        new Identify(),
        new Cluster(0x0402, [{ id: VALUE, type: Type.int16, value: 2_100 }]),
        new Cluster(0x0405, [{ id: VALUE, type: Type.uint16, value: 4_500 }]),
        new Cluster(DUST, [{ id: VALUE, type: Type.single, value: 5 }]),
        new Cluster(COMPOUNDS, [
          { id: VALUE, type: Type.single, value: 100 },
          { id: VALUE, type: Type.single, value: 100, manufacturerCode: MANUFACTURER },
        ]),
      ],
      clients: [0x0003],
    });
  }

  /** Index of volatile compounds, told now in IKEA's own cluster. */
  reportCompounds(index: number): void {
    const cluster = this.#endpoint.server(COMPOUNDS);
    cluster.put(VALUE, index, MANUFACTURER);
    const attribute = cluster.attribute(VALUE, MANUFACTURER);
    if (attribute) this.#endpoint.report(COMPOUNDS, [attribute], MANUFACTURER);
  }
}
