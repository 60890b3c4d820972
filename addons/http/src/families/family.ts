/**
 * A family of devices that share one HTTP API: how they are recognised, read and told something. Pure but for `ask`.
 * A family's readings have names that mean the same in every family; docs/guides/http.md lists them with their units.
 */
import type { JsonObject, JsonValue } from '@gate/addon-sdk';
import type { Method } from '../http-parameters.ts';
import type { PasswordMethod } from '../login.ts';

export interface FamilyRequest {
  method: Method;
  path: string;
  body?: JsonValue;
}

/** Asks the device; resolves with its JSON. @throws AddonError refused, notJson, unreachable, timeout and the like */
export type Ask = (request: FamilyRequest) => Promise<JsonValue>;

/** Who a device is, wherever it is. */
export interface Identity {
  /** Upper-case letters and digits: the MAC address, or the maker's serial number. */
  id: string;
  /** The maker's name of the model. */
  model: string;
  /** What its owner calls it, where it says so. */
  name?: string | undefined;
}

/** One reading. */
export interface FamilyStatus {
  values: JsonObject;
  /** As in `Identity`, where the answer has it. */
  id?: string | undefined;
  /** Since it was started. */
  uptimeSeconds?: number | undefined;
  /** The answer itself: what commands are made for this very device by. */
  raw: JsonValue;
}

/** A service that was announced by mDNS. */
export interface Announcement {
  /** The service: `http`, `shelly`. */
  service: string;
  /** Its instance's name. */
  name: string;
  txt: Readonly<Record<string, string>>;
}

export interface Family {
  /** Id of its device type. */
  readonly typeId: string;
  /** For people. */
  readonly title: string;
  /** Services that its devices announce. */
  readonly services: readonly string[];
  /** How user name and password are sent. */
  readonly loginMethod: PasswordMethod | undefined;
  /** Whether the one that announces this may be one of the family. */
  mayBe(announcement: Announcement): boolean;
  /** Without logging in where the device allows it. @throws AddonError otherKind for a device of another kind */
  identify(ask: Ask): Promise<Identity>;
  read(ask: Ask): Promise<FamilyStatus>;
  /** What tells the device `values`, in this order; `raw` is its last status. @throws AddonError badRequest */
  commands(values: JsonObject, raw: JsonValue): FamilyRequest[];
  /** @throws AddonError deviceRefused for a refusal that came with status 200 */
  checkAnswer(answer: JsonValue): void;
}
