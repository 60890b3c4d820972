/** Webhooks: what HTTP devices call by themselves. The token in the path is all that they prove themselves with. */
import * as v from 'valibot';
import { HOOKS, type Webhooks } from '../../core/webhooks.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import type { JsonObject, JsonValue } from '../../model/json.ts';
import { isForm } from '../body.ts';
import type { QueryParameters } from '../query.ts';
import { everyParameter } from '../query-values.ts';
import { nothingSchema, text } from '../schemas.ts';
import type { Routes } from './router.ts';

const section = 'Devices';
const PATH = `${HOOKS}/:token` as const;
/** RFC 8259: a number, `true` or `false`; any other text stays one. */
const SCALAR = /^(-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,2})?|true|false)$/;

const description =
  'For devices that report by themselves. Parameters of the query, and the fields of a JSON object or of a form, are the values of a reading; texts of the query and of a form that are numbers or `true` and `false` become such. Answered when the reading is on disk. A wrong token is 404.';

export function addWebhookRoutes(routes: Routes, { webhooks }: { webhooks: Webhooks }): void {
  const common = {
    path: PATH,
    section,
    description,
    right: 'anyone',
    query: everyParameter,
    answers: { 200: { says: 'The reading is on disk', json: nothingSchema } },
    errors: ['notFound', 'storeFailed'],
  } as const;

  routes.add({
    ...common,
    method: 'GET',
    name: 'callWebhook',
    summary: 'Report a reading',
    handle: async ({ path, query, context }) => {
      // HEAD is led here too, and changes nothing
      if (context.method === 'GET') await webhooks.receive(path.token, valuesOf(query));
      return {};
    },
  });

  routes.add({
    ...common,
    method: 'POST',
    name: 'postToWebhook',
    summary: 'Report a reading in a body',
    body: v.optional(jsonObjectSchema),
    form: v.record(v.string(), v.string()),
    handle: async ({ path, query, body = {}, context }) => {
      const entries = Object.entries<JsonValue>(body);
      // a form has texts alone, JSON says itself what it means
      const sent = isForm(context.req)
        ? entries.map(([name, value]) => [name, scalarOf(value)] as const)
        : entries;
      await webhooks.receive(path.token, objectOf([...Object.entries(valuesOf(query)), ...sent]));
      return {};
    },
  });

  routes.add({
    method: 'POST',
    path: '/device/v1/devices/:deviceId/webhook',
    name: 'renewWebhook',
    section,
    summary: 'Renew the webhook of a device',
    description: 'The one so far is void at once.',
    right: 'administer',
    answers: { 201: { says: 'The new webhook', json: v.object({ webhook: text('Its path: a secret') }) } },
    errors: ['notFound', 'conflict', 'storeFailed'],
    handle: async ({ path }) => ({ webhook: await webhooks.renew(path.deviceId) }),
  });
}

function valuesOf(query: QueryParameters): JsonObject {
  const entries = [...query].map(([name, values]): [string, JsonValue] => [
    name,
    values.length === 1 ? scalarOf(values[0] as string) : values.map(scalarOf),
  ]);
  return objectOf(entries);
}

function scalarOf(value: JsonValue): JsonValue {
  return typeof value === 'string' && SCALAR.test(value) ? (JSON.parse(value) as JsonValue) : value;
}

/** "__proto__" is a name like any other until it is refused. */
function objectOf(entries: readonly (readonly [string, JsonValue])[]): JsonObject {
  return Object.fromEntries(entries);
}
