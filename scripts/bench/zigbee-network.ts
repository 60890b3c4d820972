/** The one network of the Zigbee benchmark, as the stick, gate and zigbee2mqtt each are told of it. */
import type { NetworkIdentity } from '../../test/simulators/zigbee/air/network-identity.ts';

const PAN_ID = 0x2b17;
const EXTENDED_PAN_ID = [0x9a, 0x21, 0x5c, 0x07, 0x44, 0xe1, 0x3b, 0x68];
const CHANNEL = 20;
const NETWORK_KEY = [
  0x51, 0x0d, 0xa7, 0x33, 0x9e, 0x62, 0xc4, 0x18, 0x7f, 0x29, 0xb0, 0x46, 0xd5, 0x8a, 0x13, 0xec,
];

/** What lies in a stick that has run it. */
export const networkOnStick = (): NetworkIdentity => ({
  panId: PAN_ID,
  // the last byte first, as on the wire
  extendedPanId: Buffer.from(EXTENDED_PAN_ID).reverse(),
  channel: CHANNEL,
  networkKey: Buffer.from(NETWORK_KEY),
});

/** `network.json` of the add-on. */
export const networkOfGate = () => ({
  networkKey: Buffer.from(NETWORK_KEY).toString('hex'),
  panId: PAN_ID,
  extendedPanId: Buffer.from(EXTENDED_PAN_ID).toString('hex'),
  channel: CHANNEL,
  formedAt: Date.now(),
});

export const CHANNEL_OF_GATE = CHANNEL;

/** `advanced` of zigbee2mqtt's configuration. */
export const networkOfZigbee2mqtt = () => ({
  pan_id: PAN_ID,
  ext_pan_id: EXTENDED_PAN_ID,
  channel: CHANNEL,
  network_key: NETWORK_KEY,
});
