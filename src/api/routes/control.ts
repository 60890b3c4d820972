/** Control: set a device, ask for its status, fetch the answer ("Control a device by id" and what follows it). */
import * as v from 'valibot';
import { COMMAND_TIMEOUT_MS, type Commands, HTTP_PROTOCOL } from '../../core/commands.ts';
import type { Devices } from '../../core/devices/devices.ts';
import type { TypeCatalogue } from '../../core/devices/type-catalogue.ts';
import type { Operations } from '../../core/operations.ts';
import { type Device, jsonValueSchema, reasonSchema } from '../../model/device.ts';
import { GatewayError } from '../../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Operation } from '../../model/operation.ts';
import type { Caller } from '../access.ts';
import type { QueryParameters } from '../query.ts';
import { described, everyParameter } from '../query-values.ts';
import { nothingSchema, text } from '../schemas.ts';
import { pathTo, type Routes } from './router.ts';

const section = 'Control';
const CONTROL = '/device/v1/control';
export const FETCH = `${CONTROL}/:requestId/fetch` as const;
const PATH_HEADER = 'instathings-path';
const METHOD_HEADER = 'instathings-method';
const WAIT_MAX_SECONDS = 60;
const WAIT = `wait must be 1 to ${WAIT_MAX_SECONDS}`;
const KEY = 'must be 1 to 128 printable ASCII characters';

/** RFC 7240, 4.3: `Prefer: wait=10`, in seconds; other preferences are none of ours. Read as milliseconds. */
const prefer = v.pipe(
  v.string(),
  v.description(
    `\`wait=10\`: for how many seconds the device may take, 1 to ${WAIT_MAX_SECONDS} (20 where nothing is said), the time in its queue included`,
  ),
  v.transform((given) => /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(given)?.[1]),
  v.check(
    (wait) =>
      wait === undefined || (/^\d{1,3}$/.test(wait) && Number(wait) >= 1 && Number(wait) <= WAIT_MAX_SECONDS),
    WAIT,
  ),
  v.transform((wait) => (wait === undefined ? COMMAND_TIMEOUT_MS : Number(wait) * 1_000)),
);
const deviceHeaders = {
  Prefer: v.optional(prefer),
  [PATH_HEADER]: v.optional(
    text('HTTP devices only, and required for them: the path to call, such as /relay/0'),
  ),
  [METHOD_HEADER]: v.optional(text('HTTP devices only, and required for them: the method to call it with')),
};
const statusHeaders = v.object(deviceHeaders);
const setHeaders = v.object({
  ...deviceHeaders,
  'Idempotency-Key': v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[\x21-\x7e]{1,128}$/, KEY),
      described({
        type: 'string',
        minLength: 1,
        maxLength: 128,
        description: 'New for each command: a repeat under it gets the outcome of the first',
      }),
    ),
  ),
});
type DeviceHeaders = v.InferOutput<typeof statusHeaders>;

const body = v.optional(jsonValueSchema);
const description =
  'For an HTTP device the query and the body are handed on to the path and with the method that the headers name, at its own address and nowhere else. For other devices, and for an HTTP device whose type has `features` where neither header is sent, the body is a JSON object of values: `{"state": "ON"}`.';
const answered = { projectId: v.string() };
const kept = {
  ttl: v.pipe(v.number(), v.integer(), v.description('Second since 1970 at which it is forgotten')),
  deviceId: v.string(),
  id: v.string(),
  protocolId: v.optional(text('Of an action: its protocol')),
  action: v.optional(text('Of an action: its name')),
};
export const operationSchema = v.union([
  v.object({ ...answered, response: jsonValueSchema, ...kept }),
  v.object({ ...answered, error: reasonSchema, ...kept }),
]);

export interface ControlParts {
  devices: Devices;
  commands: Commands;
  operations: Operations;
  types: TypeCatalogue;
}

export function addControlRoutes(
  routes: Routes,
  { devices, commands, operations, types }: ControlParts,
): void {
  routes.add({
    method: 'POST',
    path: `${CONTROL}/:deviceId/set`,
    name: 'setDevice',
    section,
    summary: 'Control a device by id',
    description: `${description} Commands to one device are carried out in the order they came; at most 1,000 wait.`,
    right: 'control',
    query: everyParameter,
    headers: setHeaders,
    body,
    answers: { 200: { says: 'The device has taken it', json: nothingSchema } },
    errors: ['notFound', 'conflict', 'deviceTimeout', 'deviceRefused', 'addonUnavailable'],
    handle: async ({ path: { deviceId }, query, headers, body, context }) => {
      const params = paramsOf(await formOf(devices.get(deviceId), headers, types), 'set', {
        query,
        headers,
        body,
      });
      const key = headers['Idempotency-Key'];
      const timeoutMs = headers.Prefer ?? COMMAND_TIMEOUT_MS;
      if (key === undefined) await commands.set(deviceId, params, timeoutMs);
      else await commands.setOnce(keyOf(context.state.caller, key), deviceId, params, timeoutMs);
      return {};
    },
  });

  routes.add({
    method: 'POST',
    path: `${CONTROL}/:deviceId/status`,
    name: 'askStatus',
    section,
    summary: 'Get device status by id',
    description: `${description} What the device answers is fetched from where \`Location\` says, and told by the event \`status\`.`,
    right: 'control',
    query: everyParameter,
    headers: statusHeaders,
    body,
    answers: { 202: { says: 'The device is asked', json: nothingSchema, headers: ['Location'] } },
    errors: ['notFound'],
    handle: async ({ path: { deviceId }, query, headers, body, context }) => {
      const form = await formOf(devices.get(deviceId), headers, types);
      const params = paramsOf(form, 'status', { query, headers, body });
      const { id } = await operations.begin(deviceId, params, headers.Prefer ?? COMMAND_TIMEOUT_MS);
      context.set('Location', pathTo(FETCH, { requestId: id }));
      return {};
    },
  });

  routes.add({
    method: 'GET',
    path: FETCH,
    name: 'fetchStatus',
    section,
    summary: 'Retrieve operation by id',
    right: 'read',
    answers: {
      200: { says: 'What the device answered, or why it did not', json: operationSchema },
      202: { says: 'It has not answered yet', json: v.object({ status: v.literal('pending') }) },
    },
    errors: ['notFound'],
    handle: async ({ path, context }) => {
      const operation = await operations.find(path.requestId);
      if (operation.outcome.state === 'pending') context.status = 202;
      return operationView(operation);
    },
  });
}

/** In the documented order of keys; `error` stands in place of `response` when there is none. */
export function operationView({ projectId, outcome, ttl, deviceId, id, protocolId, action }: Operation) {
  if (outcome.state === 'pending') return { status: 'pending' as const };
  const of = protocolId === undefined || action === undefined ? {} : { protocolId, action };
  const result = { ttl, deviceId, id, ...of };
  if (outcome.state === 'done') return { projectId, response: outcome.response, ...result };
  return { projectId, error: { ...outcome.error }, ...result };
}

interface Forwarded {
  query: QueryParameters;
  headers: DeviceHeaders;
  body: JsonValue | undefined;
}

/**
 * Whether an HTTP device is told what to request, or values as any other device. Values are for those of a type that
 * names what its devices can be told.
 */
async function formOf(
  { protocol, type }: Device,
  headers: DeviceHeaders,
  types: TypeCatalogue,
): Promise<'request' | 'values'> {
  if (protocol !== HTTP_PROTOCOL) return 'values';
  if (headers[PATH_HEADER] !== undefined || headers[METHOD_HEADER] !== undefined) return 'request';
  const entry = type === undefined ? undefined : await types.find(type);
  return entry?.features?.length ? 'values' : 'request';
}

/** What the device is sent: the body as it is, or path, method and query beside it. @throws GatewayError badRequest */
function paramsOf(form: 'request' | 'values', call: 'set' | 'status', forwarded: Forwarded): JsonObject {
  const { body } = forwarded;
  if (form === 'request') return httpParams(forwarded);
  if (body === undefined && call === 'status') return {};
  if (isJsonObject(body)) return body;
  throw new GatewayError('badRequest', 'the body must be a JSON object: what the device shall be set to', {
    errors: [{ field: '', message: 'must be an object' }],
  });
}

function httpParams({ query, headers, body }: Forwarded): JsonObject {
  const { [PATH_HEADER]: path, [METHOD_HEADER]: method } = headers;
  if (path === undefined || method === undefined) {
    const missing = [PATH_HEADER, METHOD_HEADER].filter(
      (name) => headers[name as typeof PATH_HEADER] === undefined,
    );
    throw new GatewayError('badRequest', `an HTTP device needs the header ${missing.join(' and ')}`, {
      errors: missing.map((field) => ({ field, message: 'is missing' })),
      hint: 'for example instathings-path: /relay/0 and instathings-method: GET',
    });
  }
  const queryParams: JsonObject = {};
  for (const [name, values] of query) {
    const value = values.length === 1 ? (values[0] as string) : [...values];
    // "__proto__" is a name like any other here
    Object.defineProperty(queryParams, name, { value, enumerable: true });
  }
  return { path, method: method.toUpperCase(), queryParams, ...(body === undefined ? {} : { body }) };
}

/** Told apart by caller: one client's keys are nobody else's. */
function keyOf(caller: Caller, key: string): string {
  return `${typeof caller === 'object' ? caller.clientId : caller} ${key}`;
}
