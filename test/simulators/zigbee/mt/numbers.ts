/** Numbers of the Z-Stack MT API: subsystems, statuses, NV items ("Z-Stack Monitor and Test API", "ZComDef.h"). */

export const SYS = 1;
export const AF = 4;
export const ZDO = 5;
export const SAPI = 6;
export const UTIL = 7;
export const APP_CNF = 15;

export const Status = {
  success: 0x00,
  failure: 0x01,
  invalidParameter: 0x02,
  nvItemUninitialised: 0x09,
  nvOperationFailed: 0x0a,
  nvBadItemLength: 0x0c,
  bufferFull: 0x11,
  apsNoAck: 0xb7,
  networkTableFull: 0xc7,
  networkNoRoute: 0xcd,
  macChannelAccessFailure: 0xe1,
  macNoAck: 0xe9,
  macTransactionExpired: 0xf0,
} as const;

/** States of the coordinator's ZDO ("devStates_t"). */
export const DeviceState = { hold: 0, coordinatorStarting: 8, coordinator: 9 } as const;

export const NvItem = {
  extendedAddress: 0x0001,
  startupOption: 0x0003,
  nib: 0x0021,
  addressManager: 0x0023,
  extendedPanId: 0x002d,
  activeKeyInfo: 0x003a,
  alternateKeyInfo: 0x003b,
  apsLinkKeyTable: 0x004c,
  hasConfigured: 0x0060,
  preconfiguredKey: 0x0062,
  preconfiguredKeysEnable: 0x0063,
  networkKey: 0x0082,
  panId: 0x0083,
  channelList: 0x0084,
  logicalType: 0x0087,
  trustCentreSeed: 0x0101,
  hasConfigured12: 0x0f00,
} as const;

/** Items of the extended NV (system 1, Z-Stack), each a table with its entries as sub-items. */
export const NvTable = {
  addressManager: 1,
  trustCentreLinkKeys: 4,
  apsKeyData: 6,
  networkSecurityMaterial: 7,
} as const;

/** What a host writes into `hasConfigured` once it has configured the stick. */
export const CONFIGURED = 0x55;

export const NV_SYSTEM_ZSTACK = 1;
