/** What an add-on author imports. docs/specs/addon-contract.md is the contract behind it. */

export {
  ORPHAN_EXIT_MS,
  READING_MAX_BYTES,
  READING_MAX_DEPTH,
  SCAN_CANDIDATES_MAX,
  SCAN_MS,
  UNACKNOWLEDGED_MAX,
} from '../../../src/contract/limits.ts';
export type {
  AvailabilityMessage,
  ConfigMessage,
  DeviceConfig,
  EventMessage,
} from '../../../src/contract/messages.ts';
export { CONTRACT_VERSION } from '../../../src/contract/version.ts';
export { backoffMs } from '../../../src/lib/backoff.ts';
export { isJsonObject, type JsonObject, type JsonValue } from '../../../src/model/json.ts';
export { createAddon } from './addon.ts';
export { AddonError, type AddonErrorDetails } from './addon-error.ts';
export type { AddonLog } from './addon-log.ts';
export type { Addon, AddonHandlers, AddonOptions, ScanCandidate, ScanHandler } from './addon-options.ts';
export { type Clock, systemClock } from './clock.ts';
export type { AddonHost } from './process-host.ts';
export type { AddonRequest, DeviceRequest, RequestHandler } from './request-runner.ts';
