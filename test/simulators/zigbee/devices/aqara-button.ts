/**
 * A wireless button that speaks its maker's dialect: Aqara WXKG11LM (lumi.remote.b1acn01). Presses are values of a
 * multistate input, and its battery comes in an attribute of the basic cluster that only this maker has.
 */
import { ByteWriter } from '../bytes.ts';
import { type DeviceOptions, SimulatedDevice } from '../device.ts';
import { DeviceEndpoint } from '../endpoint.ts';
import type { JoinOutcome, Node } from '../node.ts';
import { Cluster } from '../zcl/cluster.ts';
import { BASIC, basic, Identify } from '../zcl/clusters/basic.ts';
import { Type } from '../zcl/data-types.ts';

const LUMI = 0x115f;
const MULTISTATE = 0x0012;
const PRESENT_VALUE = 0x0055;
const MODEL = 0x0005;
const STATUS = 0xff01;
const PRESSES = { hold: 0, single: 1, double: 2, release: 255 } as const;
const POLL_MS = 3_000;
const INTRODUCES_AFTER_MS = 100;

export class AqaraButton extends SimulatedDevice {
  readonly #endpoint: DeviceEndpoint;

  constructor(options: DeviceOptions = {}) {
    const kind = { manufacturerCode: LUMI, mains: false, router: false };
    super(kind, { pollMs: POLL_MS, zigbee3: false, ...options });
    const identity = { manufacturer: 'LUMI', model: 'lumi.remote.b1acn01', powerSource: 3 };
    this.#endpoint = new DeviceEndpoint(this, {
      id: 1,
      deviceId: 0x5f01,
      servers: [
        basic(identity),
        new Identify(),
        new Cluster(MULTISTATE, [{ id: PRESENT_VALUE, type: Type.uint16, value: 0 }]),
      ],
      clients: [0x0000, 0x0003, 0x0019],
    });
  }

  /** This maker's devices say who they are as soon as they have joined. */
  override join(via?: Node): JoinOutcome {
    const outcome = super.join(via);
    if (outcome === 'joined') setTimeout(() => this.#introduce(), INTRODUCES_AFTER_MS).unref();
    return outcome;
  }

  #introduce(): void {
    this.#endpoint.tell(BASIC, { [MODEL]: this.#endpoint.server(BASIC).get(MODEL) });
  }

  press(kind: keyof typeof PRESSES): void {
    this.#endpoint.tell(MULTISTATE, { [PRESENT_VALUE]: PRESSES[kind] });
  }

  /** The hourly sign of life: tags, types and values in one text. @param millivolts of its battery */
  reportStatus(millivolts: number, celsius = 25): void {
    const value = new ByteWriter()
      .bytes([0x01, Type.uint16])
      .u16(millivolts)
      .bytes([0x03, Type.int8, celsius])
      .bytes([0x05, Type.uint16])
      .u16(7)
      .bytes([0x0a, Type.uint16])
      .u16(0)
      .done();
    this.#endpoint.report(BASIC, [{ id: STATUS, type: Type.text, value }], LUMI);
  }
}
