/**
 * What the add-on is given of a device and of a command, parsed once: from here on a path is one that stays on the
 * device (origin-form, RFC 9112 clause 3.2.1), a method is one of those allowed.
 */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof METHODS)[number];

/** The one place where a device is. It is found by pairing and kept in the device's `address`. */
export interface HttpAddress {
  protocol: 'http' | 'https';
  hostname: string;
  port: number;
}

export interface PollParameters {
  path: string;
  intervalMs: number;
  /** A reading is reported only when it differs from the one before. */
  onlyChanges: boolean;
  health: HealthParameters | undefined;
}

/** A path that is asked only to hear whether the device answers. */
export interface HealthParameters {
  path: string;
  intervalMs: number;
}

/** One request to a device. */
export interface HttpCommand {
  /** With its query. */
  path: string;
  method: Method;
  body: JsonValue | undefined;
}

const HOSTNAME = /^([A-Za-z0-9_.-]{1,253}|[0-9A-Fa-f:.]{2,45})$/;
/** Visible ASCII but `#`, and not `//host`. */
const PATH = /^\/(?!\/)[!-"$-~]*$/;
const PATH_MAX_CHARS = 2_048;
const TARGET_MAX_CHARS = 8_192;

/** @throws AddonError badRequest */
export function parseAddress(value: JsonValue): HttpAddress {
  const { protocol = 'http', hostname, port = 80 } = isJsonObject(value) ? value : {};
  if (protocol !== 'http' && protocol !== 'https') throw bad('"protocol" must be http or https');
  if (typeof hostname !== 'string' || !HOSTNAME.test(hostname)) {
    throw bad('"hostname" must be a host name or an IP address, without scheme, path or credentials');
  }
  if (!isIntegerWithin(port, 1, 65_535)) throw bad('"port" must be a whole number from 1 to 65535');
  return { protocol, hostname, port };
}

/** @throws AddonError badRequest */
export function parsePolling(parameters: JsonObject): PollParameters {
  const { path = '/status', interval = 10, report = 'always', healthPath, healthInterval = 60 } = parameters;
  if (report !== 'always' && report !== 'changes') throw bad('"report" must be always or changes');
  return {
    path: checkedPath(path),
    intervalMs: secondsOf('interval', interval),
    onlyChanges: report === 'changes',
    health:
      healthPath === undefined
        ? undefined
        : {
            path: checkedPath(healthPath, 'healthPath'),
            intervalMs: secondsOf('healthInterval', healthInterval),
          },
  };
}

function secondsOf(name: string, value: JsonValue): number {
  if (isIntegerWithin(value, 1, 86_400)) return value * 1000;
  throw bad(`"${name}" must be a whole number of seconds from 1 to 86400`);
}

/** Params `{path, method, queryParams, body}` of a set or a get. @throws AddonError badRequest */
export function parseCommand(params: JsonObject, defaultPath?: string): HttpCommand {
  const { path = defaultPath, method = 'GET', queryParams = {}, body } = params;
  if (path === undefined || path === null) {
    throw bad('"path" is missing: which path of the device?', 'send the header instathings-path');
  }
  const name = typeof method === 'string' ? method.toUpperCase() : undefined;
  const known = METHODS.find((each) => each === name);
  if (!known) throw bad(`"method" must be one of ${METHODS.join(', ')}`);
  const target = withQuery(checkedPath(path), queryParams ?? {});
  if (target.length > TARGET_MAX_CHARS) {
    throw bad(`path and query are longer than ${TARGET_MAX_CHARS} characters`);
  }
  return { path: target, method: known, body: bodyOf(known, body) };
}

function checkedPath(path: JsonValue, name = 'path'): string {
  if (typeof path === 'string' && path.length <= PATH_MAX_CHARS && PATH.test(path)) return path;
  throw bad(`"${name}" must begin with one / and hold neither spaces nor line breaks`);
}

function withQuery(path: string, queryParams: JsonValue): string {
  if (!isJsonObject(queryParams)) throw bad('"queryParams" must be an object');
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(queryParams)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each === null || typeof each === 'object') throw bad(`query parameter "${key}" must be text`);
      query.append(key, String(each));
    }
  }
  if (query.size === 0) return path;
  return `${path}${path.includes('?') ? '&' : '?'}${query}`;
}

/** The API hands on `{}` where the caller sent nothing: with GET and DELETE that is no body. */
function bodyOf(method: Method, body: JsonValue | undefined): JsonValue | undefined {
  if (body === undefined || body === null) return undefined;
  const bare = method === 'GET' || method === 'DELETE';
  return bare && isJsonObject(body) && Object.keys(body).length === 0 ? undefined : body;
}

function isIntegerWithin(value: JsonValue, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function bad(message: string, hint?: string): AddonError {
  return new AddonError('badRequest', message, { hint });
}
