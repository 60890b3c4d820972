/**
 * JSON Schema (draft 2020-12, as OpenAPI 3.1 and AsyncAPI 3.0 take it) of the schemas that validate. What a valibot
 * schema cannot say of itself is said here, or beside it by `described`; what nobody says is an error, not a gap.
 */
import { type ConversionConfig, type JsonSchema, toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { jsonObjectSchema, jsonValueSchema } from '../../model/device.ts';
import { everyParameter } from '../query-values.ts';

export type { JsonSchema };

/** Schemas that are made of code alone. */
const CUSTOM = new Map<unknown, JsonSchema>([
  [jsonObjectSchema, { type: 'object', description: 'Any JSON object' }],
  [jsonValueSchema, { description: 'Any JSON' }],
  [
    everyParameter,
    {
      type: 'object',
      additionalProperties: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    },
  ],
]);
/** They narrow what is taken by code; the words of their errors say how. */
const BY_CODE: ReadonlySet<string> = new Set(['check', 'transform', 'trim']);

const CONFIG: ConversionConfig = {
  typeMode: 'input',
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  overrideSchema: ({ valibotSchema }) => CUSTOM.get(valibotSchema),
  overrideAction: ({ valibotAction, jsonSchema }) => {
    if (valibotAction.type === 'metadata') {
      const { metadata } = valibotAction as v.MetadataAction<unknown, { jsonSchema?: JsonSchema }>;
      return metadata.jsonSchema ?? jsonSchema;
    }
    return BY_CODE.has(valibotAction.type) ? jsonSchema : undefined;
  },
};

/** Schemas as a document has them: converted all at once, since each conversion goes through all the named ones. */
export class WrittenSchemas {
  /** What stands below `#/components/schemas`. */
  readonly components: Record<string, JsonSchema>;
  readonly #written = new Map<v.GenericSchema, JsonSchema>();

  /**
   * @param named schemas that are written once, below `#/components/schemas`, and referred to by name
   * @param schemas every schema that `of` will be asked for
   */
  constructor(named: Readonly<Record<string, v.GenericSchema>>, schemas: Iterable<v.GenericSchema>) {
    const all = [...new Set(schemas)];
    const entries = Object.fromEntries(all.map((schema, index) => [`_${index}`, schema]));
    const { properties = {}, $defs = {} } = toJsonSchema(v.object(entries), {
      ...CONFIG,
      definitions: named,
    });
    this.components = $defs as Record<string, JsonSchema>;
    all.forEach((schema, index) => {
      this.#written.set(schema, properties[`_${index}`] as JsonSchema);
    });
  }

  of(schema: v.GenericSchema): JsonSchema {
    const written = this.#written.get(schema);
    if (written === undefined) throw new Error('a schema was asked for that was not written');
    return written;
  }
}

/** The members of an object's schema, each with whether it must be there. */
export function members(
  schema: v.GenericSchema,
): { name: string; schema: v.GenericSchema; required: boolean }[] {
  const entries = 'entries' in schema ? (schema.entries as Record<string, v.GenericSchema>) : {};
  return Object.entries(entries).map(([name, member]) => ({
    name,
    schema: member,
    required: !v.isOfType('optional', member),
  }));
}
