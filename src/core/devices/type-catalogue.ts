/**
 * The catalogue of device types, made anew from the add-ons' manifests at every start.
 */
import type { ValidateFunction } from 'ajv/dist/2020.js';
import type { DeviceType } from '../../model/device-type.ts';
import { type FieldError, GatewayError } from '../../model/error.ts';
import type { JsonObject } from '../../model/json.ts';
import { HeldValidators } from '../held-validators.ts';

/** A type together with the protocol whose add-on speaks to it. */
export type CatalogueEntry = DeviceType & { protocol: string };

/**
 * Types that are read when somebody asks for them: thousands of them would weigh on the daemon for nothing, for they
 * are looked at when a device is chosen and at no other time.
 */
export interface TypeSource {
  /** Anew at each call: the caller may change what it gets. @throws Error when they cannot be read */
  load(): Promise<DeviceType[]>;
  /** One of them, without the others becoming objects. Throws as `load`. */
  find(typeId: string): Promise<DeviceType | undefined>;
  /** What devices of a type can be told, where that is kept apart from the types. Throws as `load`. */
  settable?(typeId: string): Promise<JsonObject | undefined>;
}

export type TypesOfProtocol = readonly DeviceType[] | TypeSource;

interface ProtocolTypes {
  source: TypesOfProtocol;
  /** What was loaded and is still held. */
  held?: Promise<CatalogueEntry[]> | undefined;
}

/** How long loaded types are held after they were last asked for. */
export const TYPES_HELD_MS = 10_000;

export class TypeCatalogue {
  readonly #protocols = new Map<string, ProtocolTypes>();
  readonly #validators = new HeldValidators();
  #version = 0;
  #letGo: NodeJS.Timeout | undefined;

  /** Grows with every change: what was made of the list is good as long as this stays. */
  get version(): number {
    return this.#version;
  }

  /** Puts all types of one protocol in place of those it had. A type's id belongs to the protocol that came first. */
  replace(protocol: string, types: TypesOfProtocol): void {
    this.#version += 1;
    this.#protocols.set(protocol, { source: types });
  }

  /** @throws GatewayError unavailable when the types of a protocol cannot be read */
  async list(): Promise<CatalogueEntry[]> {
    const entries = new Map<string, CatalogueEntry>();
    for (const [protocol, types] of this.#protocols) {
      for (const entry of await this.#entries(protocol, types)) {
        if (!entries.has(entry.id)) entries.set(entry.id, entry);
      }
    }
    return [...entries.values()];
  }

  /** Throws as `list`. */
  async find(typeId: string): Promise<CatalogueEntry | undefined> {
    for (const [protocol, types] of this.#protocols) {
      const found =
        'load' in types.source && !types.held
          ? await readTypes(protocol, types.source.find(typeId))
          : (await this.#entries(protocol, types)).find(({ id }) => id === typeId);
      if (found) return { ...found, protocol };
    }
    return undefined;
  }

  /** With what its devices can be told, also where that is kept apart. Throws as `list`. */
  async whole(typeId: string): Promise<CatalogueEntry | undefined> {
    const entry = await this.find(typeId);
    const source = entry && this.#protocols.get(entry.protocol)?.source;
    if (!source || !('load' in source) || !source.settable) return entry;
    const settable = await readTypes(entry.protocol, source.settable(typeId));
    return settable === undefined ? entry : { ...entry, settable };
  }

  /** @throws GatewayError badRequest when there is no such type; as `list` */
  async get(typeId: string): Promise<CatalogueEntry> {
    const entry = await this.find(typeId);
    if (entry) return entry;
    throw new GatewayError('badRequest', `there is no device type "${typeId}"`, {
      errors: [{ field: 'type', message: 'must be the id of an entry of /device/v1/types' }],
      hint: 'is the protocol of this type installed? GET /device/v1/protocols',
    });
  }

  /**
   * Checks a device's parameters against its type's JSON Schema and fills in the defaults.
   * @throws GatewayError badRequest naming each parameter that is wrong; as `list`
   */
  async checkParameters(typeId: string, parameters: JsonObject): Promise<JsonObject> {
    const { parameters: schema, model } = await this.get(typeId);
    return schema
      ? checkAgainst(schema, parameters, `parameters of a ${model}`, this.#validators)
      : parameters;
  }

  #entries(protocol: string, types: ProtocolTypes): Promise<CatalogueEntry[]> {
    const { source } = types;
    if ('load' in source) this.#holdALittle();
    types.held ??= entriesOf(protocol, source).catch((error: unknown) => {
      types.held = undefined;
      throw error;
    });
    return types.held;
  }

  #holdALittle(): void {
    clearTimeout(this.#letGo);
    this.#letGo = setTimeout(() => {
      for (const types of this.#protocols.values()) if ('load' in types.source) types.held = undefined;
    }, TYPES_HELD_MS);
    this.#letGo.unref();
  }
}

async function entriesOf(protocol: string, source: TypesOfProtocol): Promise<CatalogueEntry[]> {
  if (!('load' in source)) return source.map((type) => ({ ...type, protocol }));
  // what was loaded is ours alone: no copy of thousands
  return (await readTypes(protocol, source.load())).map((type) => Object.assign(type, { protocol }));
}

/** @throws GatewayError unavailable */
async function readTypes<T>(protocol: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const words = `the device types of "${protocol}" cannot be read: ${(error as Error).message}`;
    throw new GatewayError('unavailable', words, {
      hint: 'reinstall the add-on: its file of types is damaged',
      cause: error,
    });
  }
}

/**
 * Checks `value` against a JSON Schema (draft 2020-12) that came with a manifest, and returns a copy with the
 * schema's defaults. @throws GatewayError badRequest
 */
export async function checkAgainst(
  schema: JsonObject,
  value: JsonObject,
  what: string,
  validators = new HeldValidators(),
): Promise<JsonObject> {
  const copy = structuredClone(value);
  const validate = await compiled(validators, schema, what);
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
async function compiled(
  validators: HeldValidators,
  schema: JsonObject,
  what: string,
): Promise<ValidateFunction<JsonObject>> {
  try {
    return await validators.of(schema);
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
