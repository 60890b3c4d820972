/**
 * Scans: an add-on looks around for devices, and says within 10 s what it has found. One scan of an add-on runs at a
 * time; whoever asks meanwhile is given its result too.
 */
import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { SCAN_CANDIDATES_MAX, SCAN_MS } from '../../contract/limits.ts';
import { type ScanCandidate, scanCandidate } from '../../contract/messages.ts';
import type { Device } from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { parseWith } from '../../model/parse.ts';
import type { AddonLink } from '../ports.ts';
import type { Protocols } from '../protocols/protocols.ts';
import type { Devices } from './devices.ts';

/** From the end of the time that an add-on has to the end of gate's patience: its answer is on the way. */
const ANSWER_GRACE_MS = 2_000;

/** A device that was found, as the API shows it. */
export interface Candidate {
  /** For people. */
  label: string;
  /** Id of its device type, where the add-on can tell. */
  type?: string;
  /** What it is created with. */
  parameters: JsonObject;
  /** It is one of ours already. */
  deviceId?: string;
}

export class Scans {
  readonly #parts: { protocols: Protocols; devices: Devices; link: AddonLink };
  readonly #running = new Map<string, Promise<Candidate[]>>();

  constructor(parts: { protocols: Protocols; devices: Devices; link: AddonLink }) {
    this.#parts = parts;
  }

  /**
   * What the add-on has found, `SCAN_CANDIDATES_MAX` at most.
   * @throws GatewayError notFound, conflict (not installed, or it cannot scan), addonUnavailable, deviceTimeout,
   * deviceRefused
   */
  scan(protocolId: string): Promise<Candidate[]> {
    const { slug } = this.#parts.protocols.installed(protocolId).manifest;
    const running = this.#running.get(slug) ?? this.#scan(slug).finally(() => this.#running.delete(slug));
    this.#running.set(slug, running);
    return running;
  }

  async #scan(slug: string): Promise<Candidate[]> {
    const { link, devices } = this.#parts;
    const timeoutMs = SCAN_MS + ANSWER_GRACE_MS;
    const found = await link.request(slug, { method: 'scan', params: {}, timeoutMs }).catch((error) => {
      throw error instanceof GatewayError && error.reasonCode === 'unsupported' ? cannotScan(slug) : error;
    });
    const own = devices.subDevices().filter(({ protocol }) => protocol === slug);
    return candidatesIn(found, slug).map((candidate) => view(candidate, own));
  }
}

function cannotScan(slug: string): GatewayError {
  return new GatewayError('conflict', `protocol "${slug}" cannot look for devices by itself`, {
    hint: 'create the device with POST /device/v1/devices, then pair it',
  });
}

/** @throws GatewayError deviceRefused naming what is wrong */
function candidatesIn(found: JsonValue, slug: string): ScanCandidate[] {
  try {
    const list = parseWith(v.array(v.unknown()), found, 'candidates');
    return parseWith(v.array(scanCandidate), list.slice(0, SCAN_CANDIDATES_MAX), 'candidates');
  } catch (cause) {
    throw new GatewayError(
      'deviceRefused',
      `what add-on "${slug}" answered is no list of candidates: ${(cause as Error).message}`,
      { hint: 'tell the author of the add-on', reasonCode: 'badResult', cause },
    );
  }
}

function view(candidate: ScanCandidate, own: readonly Device[]): Candidate {
  const { label, type, parameters } = candidate;
  const device = own.find((each) => isSame(candidate, each));
  return {
    label,
    ...(type === undefined ? {} : { type }),
    parameters,
    ...(device === undefined ? {} : { deviceId: device.id }),
  };
}

/**
 * Whether a candidate is this device: the add-on says so, or found it at the device's address, or it has the
 * device's parameters. The device may have more of them: defaults, or how it is spoken to.
 */
function isSame({ deviceId, address, parameters }: ScanCandidate, device: Device): boolean {
  if (deviceId !== undefined) return deviceId === device.id;
  if (address !== undefined && address !== null && device.address !== undefined)
    return isDeepStrictEqual(address, device.address);
  const names = Object.keys(parameters);
  return (
    names.length > 0 && names.every((name) => isDeepStrictEqual(parameters[name], device.parameters[name]))
  );
}
