/** What the cloud sends, by command: one schema gives the type and the check. Unknown keys are left out. */
import * as v from 'valibot';
import { jsonObjectSchema } from '../model/device.ts';
import { GatewayError } from '../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue, withinDepth } from '../model/json.ts';
import { parseWith } from '../model/parse.ts';
import { MESSAGE_MAX_BYTES } from './limits.ts';

const DEPTH_MAX = 64;
const PEM_MAX_CHARS = 64 * 1024;

const id = v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" and "-"'));
const requestId = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable ASCII characters'),
);
const imageName = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._:/-]{0,254}$/, 'must be the name of an image'),
);
const taggedImage = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9._:/-]{0,254}:[\w][\w.-]{0,127}$/, 'must be the name of an image with its tag'),
);
/** Past it the command is refused: milliseconds since 1970. */
const deadline = v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)));

export const createDeviceSchema = v.object({
  idIn: id,
  name: v.string(),
  topic: v.optional(v.string()),
  deviceType: v.string(),
  parameters: v.optional(jsonObjectSchema, {}),
  deadline,
});

export const installProtocolSchema = v.object({
  protocolRecord: v.object({ id, slug: id, parameters: v.optional(v.unknown()) }),
  parameters: v.optional(jsonObjectSchema, {}),
  deadline,
});

export const updateProtocolSchema = v.pipe(
  v.array(v.object({ id: taggedImage, slug: imageName })),
  v.minLength(1, 'must name at least one image'),
  v.maxLength(100, 'must name at most 100 images'),
);

export const updateSoftwareSchema = v.object({
  newSoftwareId: v.pipe(
    v.string(),
    v.regex(/^instathings\/gate:[0-9A-Za-z][\w.+-]{0,63}$/, 'must be instathings/gate:<version>'),
  ),
  deadline,
});

/** For HTTP devices the call lies in `payload`, or beside it. */
export const getSchema = v.object({
  requestId,
  deviceId: v.optional(id),
  payload: v.optional(jsonObjectSchema),
  path: v.optional(v.string()),
  method: v.optional(v.string()),
  queryParams: v.optional(jsonObjectSchema),
  body: v.optional(v.unknown()),
  deadline,
});
export type GetMessage = v.InferOutput<typeof getSchema>;

export const requestCertificateSchema = v.object({ requestId, deadline });
export const putCertificateSchema = v.object({
  requestId,
  certificatePem: v.pipe(v.string(), v.maxLength(PEM_MAX_CHARS)),
  deadline,
});

/** @throws GatewayError badMessage for what is too large, not JSON, or nested too deeply */
export function jsonOf(payload: Buffer): JsonValue {
  if (payload.length > MESSAGE_MAX_BYTES) {
    throw new GatewayError(
      'badMessage',
      `the message has ${payload.length} bytes; at most ${MESSAGE_MAX_BYTES} are taken`,
    );
  }
  let value: JsonValue;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new GatewayError('badMessage', 'the message is not JSON', { cause });
  }
  if (!withinDepth(value, DEPTH_MAX))
    throw new GatewayError('badMessage', `the message is nested deeper than ${DEPTH_MAX}`);
  return value;
}

/** @throws GatewayError badMessage naming what is wrong */
export function objectOf(value: JsonValue): JsonObject {
  if (isJsonObject(value)) return value;
  throw new GatewayError('badMessage', 'the message must be a JSON object');
}

/** @throws GatewayError badMessage naming each field that is wrong */
export function messageOf<S extends v.GenericSchema>(schema: S, value: JsonValue): v.InferOutput<S> {
  return parseWith(schema, value, 'message', 'badMessage');
}
