/**
 * The catalogue of device types, made anew from the add-ons' manifests at every start.
 */
import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { DeviceType } from '../model/device-type.ts';
import { type FieldError, GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';

/** A type together with the protocol whose add-on speaks to it. */
export type CatalogueEntry = DeviceType & { protocol: string };

export class TypeCatalogue {
  readonly #entries = new Map<string, CatalogueEntry>();
  #version = 0;

  /** Grows with every change: what was made of the list is good as long as this stays. */
  get version(): number {
    return this.#version;
  }

  /** Puts all types of one protocol in place of those it had. A type's id belongs to the protocol that came first. */
  replace(protocol: string, types: readonly DeviceType[]): void {
    this.#version += 1;
    for (const [id, entry] of this.#entries) if (entry.protocol === protocol) this.#entries.delete(id);
    for (const type of types) {
      if (!this.#entries.has(type.id)) this.#entries.set(type.id, { ...type, protocol });
    }
  }

  list(): CatalogueEntry[] {
    return [...this.#entries.values()];
  }

  find(typeId: string): CatalogueEntry | undefined {
    return this.#entries.get(typeId);
  }

  /** @throws GatewayError badRequest when there is no such type */
  get(typeId: string): CatalogueEntry {
    const entry = this.#entries.get(typeId);
    if (entry) return entry;
    throw new GatewayError('badRequest', `there is no device type "${typeId}"`, {
      errors: [{ field: 'type', message: 'must be the id of an entry of /device/v1/types' }],
      hint: 'is the protocol of this type installed? GET /device/v1/protocols',
    });
  }

  /**
   * Checks a device's parameters against its type's JSON Schema and fills in the defaults.
   * @throws GatewayError badRequest naming each parameter that is wrong
   */
  async checkParameters(typeId: string, parameters: JsonObject): Promise<JsonObject> {
    const { parameters: schema, model } = this.get(typeId);
    return schema ? checkAgainst(schema, parameters, `parameters of a ${model}`) : parameters;
  }
}

/**
 * Checks `value` against a JSON Schema (draft 2020-12) that came with a manifest, and returns a copy with the
 * schema's defaults. @throws GatewayError badRequest
 */
export async function checkAgainst(schema: JsonObject, value: JsonObject, what: string): Promise<JsonObject> {
  // loaded at its first use: most starts never need it, and it weighs some megabytes
  const { Ajv2020 } = (await import('ajv/dist/2020.js')).default;
  const copy = structuredClone(value);
  const validate = compiled(new Ajv2020({ useDefaults: true, allErrors: true, strict: false }), schema, what);
  if (validate(copy)) return copy;
  const errors: FieldError[] = (validate.errors ?? []).map((error) => ({
    field: [
      ...error.instancePath.split('/').slice(1),
      error.params['missingProperty'] ?? error.params['additionalProperty'],
    ]
      .filter((part) => part !== undefined)
      .join('.'),
    message: describe(error),
  }));
  const first = errors[0] as FieldError;
  throw new GatewayError('badRequest', `${what}: ${first.field ? `"${first.field}" ` : ''}${first.message}`, {
    errors,
  });
}

/** Why `schema` cannot be used as a JSON Schema; undefined when it can. */
export async function schemaProblem(schema: JsonObject): Promise<string | undefined> {
  const { Ajv2020 } = (await import('ajv/dist/2020.js')).default;
  // one that answers by promise would pass whatever it is asked
  if (schema['$async'] !== undefined) return '"$async" is not taken here';
  try {
    new Ajv2020({ strict: false }).compile(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** @throws GatewayError addonUnavailable for a schema that is none: a fault of the manifest it came with */
function compiled(ajv: Ajv2020, schema: JsonObject, what: string) {
  try {
    return ajv.compile<JsonObject>(schema);
  } catch (cause) {
    throw new GatewayError(
      'addonUnavailable',
      `${what}: the JSON Schema in the add-on's manifest cannot be used: ${(cause as Error).message}`,
      { hint: 'tell the author of the add-on', cause },
    );
  }
}

function describe(error: { keyword: string; message?: string; params: Record<string, unknown> }): string {
  if (error.keyword === 'required') return 'is missing';
  if (error.keyword === 'additionalProperties') return 'is not a parameter here';
  if (error.keyword === 'enum')
    return `must be one of ${(error.params['allowedValues'] as unknown[]).join(', ')}`;
  return error.message ?? 'is not valid';
}
