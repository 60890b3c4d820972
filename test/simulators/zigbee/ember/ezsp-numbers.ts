/** Numbers of EZSP, protocol version 14 (Silicon Labs UG100, "EZSP Reference Guide"). */

export const PROTOCOL_VERSION = 14;
export const MESH = 2;
export const STACK_VERSION = 0x8000;
/** Build (2 bytes), major, minor, patch, special, "generally available". */
export const VERSION_STRUCT = [0x6a, 0x01, 8, 0, 2, 0, 0xaa];
export const KEY_TABLE_SIZE = 12;
export const COORDINATOR = 1;

export const Status = {
  ok: 0x00,
  networkUp: 0x15,
  networkDown: 0x16,
  notJoined: 0x17,
  notFound: 0x2d,
  notDelivered: 0x0c02,
  channelChanged: 0x0c17,
  networkOpened: 0x0c18,
  networkClosed: 0x0c19,
};
export const NetworkState = { none: 0, joined: 2 };
export const ConfigurationId = { transientKeySeconds: 0x36 };
export const PolicyId = { trustCentre: 0x00 };
/** Bits of the trust centre's policy: whom it gives the network's key. */
export const TrustCentrePolicy = { joins: 0x01, unsecuredRejoins: 0x02 };
export const ValueId = { versionInfo: 0x11, frameCounter: 0x23 };
export const KeyType = { network: 1 };
/** What has become of a device, and what the trust centre decided about it. */
export const DeviceUpdate = { securedRejoin: 0, unsecuredJoin: 1, left: 2, unsecuredRejoin: 3 };
export const JoinDecision = { usePreconfiguredKey: 0, deny: 2, none: 3 };
export const OutgoingType = { multicast: 3, broadcast: 6 };
export const IncomingType = {
  unicast: 0,
  multicast: 2,
  multicastLoopback: 3,
  broadcast: 4,
  broadcastLoopback: 5,
};
/** The reason of `invalidCommand`. */
export const UNKNOWN_FRAME = 0x36;

export const Frame = {
  version: 0x00,
  addEndpoint: 0x02,
  getExtendedValue: 0x03,
  nop: 0x05,
  setConcentrator: 0x10,
  setManufacturerCode: 0x15,
  networkInit: 0x17,
  networkState: 0x18,
  stackStatusHandler: 0x19,
  formNetwork: 0x1e,
  leaveNetwork: 0x20,
  permitJoining: 0x22,
  childJoinHandler: 0x23,
  trustCentreJoinHandler: 0x24,
  getEui64: 0x26,
  getNetworkParameters: 0x28,
  sendUnicast: 0x34,
  sendBroadcast: 0x36,
  sendMulticast: 0x38,
  messageSentHandler: 0x3f,
  incomingMessageHandler: 0x45,
  macFilterMatchHandler: 0x46,
  sendRawMessage: 0x51,
  getConfiguration: 0x52,
  setConfiguration: 0x53,
  setPolicy: 0x55,
  invalidCommand: 0x58,
  setSourceRouteMode: 0x5a,
  setMulticastEntry: 0x64,
  setInitialSecurity: 0x68,
  clearTransientKeys: 0x6b,
  eraseKeyEntry: 0x76,
  setRadioPower: 0x99,
  getValue: 0xaa,
  setValue: 0xab,
  clearKeyTable: 0xb1,
  setRadioChannel: 0xb9,
  importLinkKey: 0x10e,
  exportLinkKey: 0x10f,
  importTransientKey: 0x111,
  exportKey: 0x114,
  networkKeyInfo: 0x116,
} as const;
/** Answered with "ok", and nothing else comes of them. */
export const TAKEN: ReadonlySet<number> = new Set([
  Frame.setConcentrator,
  Frame.eraseKeyEntry,
  Frame.setRadioPower,
  Frame.clearKeyTable,
  Frame.importLinkKey,
]);
