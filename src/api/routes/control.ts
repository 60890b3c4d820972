/** Control: set a device, ask for its status, fetch the answer ("Control a device by id" and what follows it). */
import type { Context } from 'koa';
import { COMMAND_TIMEOUT_MS, type Commands, HTTP_PROTOCOL } from '../../core/commands.ts';
import type { Devices } from '../../core/devices.ts';
import type { Operations } from '../../core/operations.ts';
import { GatewayError } from '../../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { Operation } from '../../model/operation.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { parseQuery } from '../query.ts';
import { type ApiRouter, type ApiState, guarded } from './router.ts';

export const CONTROL = '/device/v1/control';
const PATH_HEADER = 'instathings-path';
const METHOD_HEADER = 'instathings-method';
const WAIT_MAX_SECONDS = 60;
const KEY = /^[\x21-\x7e]{1,128}$/;

type ControlContext = Context & { state: ApiState };

export interface ControlParts {
  devices: Devices;
  commands: Commands;
  operations: Operations;
  access: Access;
}

export function addControlRoutes(
  router: ApiRouter,
  { devices, commands, operations, access }: ControlParts,
): void {
  const control = guarded(access, 'control');

  router.post(`${CONTROL}/:deviceId/set`, control, async (context) => {
    const deviceId = context.params['deviceId'] as string;
    const params = await paramsOf(context, devices.get(deviceId).protocol, 'set');
    const key = repeatKeyOf(context);
    if (key === undefined) await commands.set(deviceId, params, timeoutOf(context));
    else await commands.setOnce(key, deviceId, params, timeoutOf(context));
    context.body = {};
  });

  router.post(`${CONTROL}/:deviceId/status`, control, async (context) => {
    const deviceId = context.params['deviceId'] as string;
    const params = await paramsOf(context, devices.get(deviceId).protocol, 'status');
    const { id } = await operations.begin(deviceId, params, timeoutOf(context));
    context.status = 202;
    context.set('Location', `${CONTROL}/${id}/fetch`);
    context.body = {};
  });

  router.get(`${CONTROL}/:requestId/fetch`, guarded(access, 'read'), async (context) => {
    const operation = await operations.find(context.params['requestId'] as string);
    if (operation.outcome.state === 'pending') context.status = 202;
    context.body = operationView(operation);
  });
}

/** In the documented order of keys; `error` stands in place of `response` when there is none. */
export function operationView({ projectId, outcome, ttl, deviceId, id, ...of }: Operation): JsonObject {
  if (outcome.state === 'pending') return { status: 'pending' };
  const result: JsonObject =
    outcome.state === 'done' ? { response: outcome.response } : { error: { ...outcome.error } };
  const { protocolId, action } = of;
  const named = protocolId === undefined || action === undefined ? {} : { protocolId, action };
  return { projectId, ...result, ttl, deviceId, id, ...named };
}

/** What the device is sent: the body as it is, for HTTP devices also path, method and query. @throws GatewayError badRequest */
async function paramsOf(
  context: Context,
  protocol: string | undefined,
  call: 'set' | 'status',
): Promise<JsonObject> {
  const body = await readJson(context.req);
  if (protocol === HTTP_PROTOCOL) return httpParams(context, body);
  if (body === undefined && call === 'status') return {};
  if (isJsonObject(body)) return body;
  throw new GatewayError('badRequest', 'the body must be a JSON object: what the device shall be set to', {
    errors: [{ field: '', message: 'must be an object' }],
  });
}

function httpParams(context: Context, body: JsonValue | undefined): JsonObject {
  const missing = [PATH_HEADER, METHOD_HEADER].filter((name) => context.get(name) === '');
  if (missing.length > 0) {
    throw new GatewayError('badRequest', `an HTTP device needs the header ${missing.join(' and ')}`, {
      errors: missing.map((field) => ({ field, message: 'is missing' })),
      hint: 'for example instathings-path: /relay/0 and instathings-method: GET',
    });
  }
  const queryParams: JsonObject = {};
  for (const [name, values] of parseQuery(context.querystring)) {
    const value = values.length === 1 ? (values[0] as string) : [...values];
    // "__proto__" is a name like any other here
    Object.defineProperty(queryParams, name, { value, enumerable: true });
  }
  return {
    path: context.get(PATH_HEADER),
    method: context.get(METHOD_HEADER).toUpperCase(),
    queryParams,
    ...(body === undefined ? {} : { body }),
  };
}

/** `Idempotency-Key`, told apart by caller: one client's keys are nobody else's. @throws GatewayError badRequest */
function repeatKeyOf(context: ControlContext): string | undefined {
  const key = context.get('Idempotency-Key');
  if (key === '') return undefined;
  if (!KEY.test(key)) {
    throw new GatewayError('badRequest', 'Idempotency-Key must be 1 to 128 printable ASCII characters', {
      errors: [{ field: 'Idempotency-Key', message: 'must be 1 to 128 printable ASCII characters' }],
    });
  }
  const { caller } = context.state;
  return `${typeof caller === 'object' ? caller.clientId : caller} ${key}`;
}

/** RFC 7240, 4.3: `Prefer: wait=10`, in seconds. @throws GatewayError badRequest */
function timeoutOf(context: Context): number {
  const prefer = context.get('Prefer');
  const wait = /(?:^|[,;\s])wait\s*=\s*"?([^",;\s]*)/i.exec(prefer)?.[1];
  if (wait === undefined) return COMMAND_TIMEOUT_MS;
  const seconds = /^\d{1,3}$/.test(wait) ? Number(wait) : 0;
  if (seconds >= 1 && seconds <= WAIT_MAX_SECONDS) return seconds * 1_000;
  throw new GatewayError(
    'badRequest',
    `Prefer: wait=${wait.slice(0, 20)} must be 1 to ${WAIT_MAX_SECONDS} seconds`,
    {
      errors: [{ field: 'Prefer', message: `wait must be 1 to ${WAIT_MAX_SECONDS}` }],
    },
  );
}
