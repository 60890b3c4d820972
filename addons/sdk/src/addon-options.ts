/**
 * What an author of an add-on gives to `createAddon` and gets from it.
 */
import type { Socket } from 'node:net';
import type { ConfigMessage, EventMessage } from '../../../src/contract/messages.ts';
import type { JsonObject, JsonValue } from '../../../src/model/json.ts';
import type { AddonLog } from './addon-log.ts';
import type { Clock } from './clock.ts';
import type { AddonHost } from './process-host.ts';
import type { AddonRequest, DeviceRequest, RequestHandler } from './request-runner.ts';

/** A device that a scan has found. */
export interface ScanCandidate {
  /** What a person recognises it by; at most 200 characters. */
  label: string;
  /** Id of its device type, where that can be told. */
  type?: string;
  /** What a device of this kind is created with. */
  parameters: JsonObject;
  /** What `pair` would answer for it, where that is known: gate recognises its own devices by it. */
  address?: JsonValue;
  /** The add-on knows it as this device already. */
  deviceId?: string;
}

/** @throws AddonError for a result that says why not */
export type ScanHandler = (
  request: AddonRequest,
) => JsonValue | undefined | ScanCandidate[] | Promise<JsonValue | undefined | ScanCandidate[]>;

/** What gate may ask. All but `configure` and `stop` answer requests; one left out is answered `unsupported`. */
export interface AddonHandlers {
  /** The parameters and devices, at the start and after each change. Called one at a time, unchanged ones never. */
  configure?: (config: ConfigMessage) => void | Promise<void>;
  /** Finds the device `deviceId`; params `{type, parameters}`. The value becomes its `address` in config. */
  pair?: RequestHandler<DeviceRequest>;
  cancelPairing?: RequestHandler<DeviceRequest>;
  /** Params: what the caller of the API sent. */
  set?: RequestHandler<DeviceRequest>;
  /** The value is the device's status. */
  get?: RequestHandler<DeviceRequest>;
  /** Takes a device off its network. */
  remove?: RequestHandler<DeviceRequest>;
  /**
   * Looks around for devices: the value is a list of candidates, answered within SCAN_MS (10 s) with what was found by
   * then; at most SCAN_CANDIDATES_MAX (1,000) are shown.
   */
  scan?: ScanHandler;
  backup?: RequestHandler;
  /** Frees what the add-on holds, within 2 s; readings reported here are still sent. */
  stop?: () => void | Promise<void>;
}

export interface AddonOptions {
  /** The add-on's own version, shown to people. */
  version: string;
  handlers: AddonHandlers;
  /** Further requests, by the action's name in the manifest; `params` fit the schema that it has there. */
  actions?: Readonly<Record<string, RequestHandler>>;
  /** Passed in by tests. */
  host?: AddonHost;
  clock?: Clock;
  connect?: (broker: { host: string; port: number }) => Socket;
}

export interface Addon {
  readonly log: AddonLog;
  /**
   * Connects and serves until the end, then ends the process: with 0 when it was told to stop, with 1 otherwise.
   * Settles only where the host's `exit` returns, as in a test.
   */
  run(): Promise<void>;
  /** Ends as SIGTERM does: `stop` handler, readings sent, state `stopped`, log-out, exit 0; within 5 s. */
  stop(): Promise<void>;
  /**
   * Hands over a reading of a device: it is kept until gate has it on disk. Past UNACKNOWLEDGED_MAX (10,000) unacknowledged
   * ones the oldest is given up. `ts` is when it was measured, in whole milliseconds since 1970; now if left out.
   * @throws AddonError badReading: over READING_MAX_BYTES (128 KB), nested deeper than READING_MAX_DEPTH (32), a ts out of range; badDeviceId
   */
  report(deviceId: string, data: JsonObject, options?: { ts?: number }): void;
  /** Readings that gate has not acknowledged. */
  readonly unacknowledged: number;
  /** Resolves once half of UNACKNOWLEDGED_MAX is free: what a fast source awaits between its readings. */
  room(): Promise<void>;
  /** Resolves once every reading is acknowledged. */
  flush(): Promise<void>;
  /** Says whether a device answers; `reason` for a person. Said again on every connection, repeats are left out. @throws AddonError badDeviceId */
  availability(deviceId: string, online: boolean, reason?: string): void;
  /** Says how the add-on is: `degraded` is alive, but not linked to its radio, bus or devices. */
  state(state: 'running' | 'degraded', reason?: string): void;
  /**
   * Tells what has happened, as the progress of a pairing. Known types: src/contract/messages.ts, `eventMessage`.
   * @throws AddonError badEvent: over EVENT_MAX_BYTES (64 KB)
   */
  event(event: EventMessage): void;
}

/** What answers requests, by method: the handlers but those that answer none, and the actions. */
export function requestHandlers({
  handlers,
  actions = {},
}: AddonOptions): Map<string, RequestHandler<DeviceRequest>> {
  const { configure: _configure, stop: _stop, scan, ...requests } = handlers;
  // candidates are JSON; only their type, without an index signature, is not JsonValue
  const scanning = scan === undefined ? {} : { scan: scan as RequestHandler };
  return new Map(Object.entries<RequestHandler<DeviceRequest>>({ ...actions, ...requests, ...scanning }));
}
