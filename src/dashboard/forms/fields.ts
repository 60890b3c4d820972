/** What a JSON Schema of parameters asks for, as fields of a form; and back, what was typed as parameters. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';

/** Never shown while it is typed; the gateway never shows it either. */
const SECRET = /(password|passphrase|token|secret|key|code)$/i;
/** A longer title is a sentence: it explains, and the name stands above. */
const TITLE_MAX_CHARS = 32;

export interface FormField {
  name: string;
  kind: 'text' | 'secret' | 'number' | 'boolean' | 'choice' | 'json';
  /** The name in words, or a short title. */
  label: string;
  hint: string | undefined;
  required: boolean;
  /** As it is typed. */
  preset: string;
  choices: readonly JsonValue[];
  min?: number;
  max?: number;
  step: number | 'any';
  maxLength?: number;
}

/** What is typed, by name: text, and for yes or no `true` and `false`. */
export type Typed = Record<string, string>;

export function fieldsOf(schema: unknown): FormField[] {
  if (!isJsonObject(schema) || !isJsonObject(schema['properties'])) return [];
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = Object.entries(schema['properties']).map(([name, property]) =>
    field(name, isJsonObject(property) ? property : {}, required.includes(name)),
  );
  // what must be given comes first
  return [...fields.filter((each) => each.required), ...fields.filter((each) => !each.required)];
}

function field(name: string, property: JsonObject, required: boolean): FormField {
  const choices = Array.isArray(property['enum']) ? property['enum'] : [];
  const title = textOf(property, 'title');
  const description = textOf(property, 'description');
  const isShort = title !== undefined && title.length <= TITLE_MAX_CHARS;
  const preset = property['default'];
  const { minimum, maximum, maxLength } = property;
  return {
    name,
    kind: kindOf(name, property, choices),
    label: isShort ? title : inWords(name),
    hint: isShort
      ? description
      : [title, description].filter((each) => each !== undefined).join('. ') || undefined,
    required,
    preset: preset === undefined ? '' : typeof preset === 'string' ? preset : JSON.stringify(preset),
    choices,
    step: property['type'] === 'integer' ? 1 : 'any',
    ...(typeof minimum === 'number' ? { min: minimum } : {}),
    ...(typeof maximum === 'number' ? { max: maximum } : {}),
    ...(typeof maxLength === 'number' ? { maxLength } : {}),
  };
}

function kindOf(name: string, { type }: JsonObject, choices: readonly JsonValue[]): FormField['kind'] {
  if (choices.length > 0) return 'choice';
  if (type === 'boolean') return 'boolean';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'string') return SECRET.test(name) ? 'secret' : 'text';
  return 'json';
}

function textOf(property: JsonObject, key: string): string | undefined {
  const text = property[key];
  return typeof text === 'string' && text !== '' ? text : undefined;
}

/** `baudRate`, `individual_address` */
function inWords(name: string): string {
  const words = name
    .replaceAll('_', ' ')
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What stands in the form before anything is typed: given values, else the defaults. */
export function typedFrom(fields: readonly FormField[], given: JsonObject = {}): Typed {
  return Object.fromEntries(
    fields.map(({ name, preset }) => {
      const value = given[name];
      return [name, value === undefined ? preset : typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}

export class NotJsonError extends Error {
  readonly field: string;
  constructor(field: string) {
    super(field);
    this.field = field;
  }
}

/** What is left empty is left out. What the form does not show but was given stays. @throws NotJsonError */
export function parametersFrom(
  fields: readonly FormField[],
  typed: Typed,
  given: JsonObject = {},
): JsonObject {
  const shown = new Set(fields.map(({ name }) => name));
  const parameters: JsonObject = Object.fromEntries(
    Object.entries(given).filter(([name]) => !shown.has(name)),
  );
  for (const each of fields) {
    const text = typed[each.name] ?? '';
    if (text === '' || (each.kind === 'boolean' && text === 'false' && each.preset === '')) continue;
    parameters[each.name] = parsed(each, text);
  }
  return parameters;
}

function parsed({ name, kind, choices }: FormField, text: string): JsonValue {
  if (kind === 'boolean') return text === 'true';
  if (kind === 'number') return Number(text);
  if (kind === 'choice') {
    return (
      choices.find((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)) === text) ??
      text
    );
  }
  if (kind !== 'json') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new NotJsonError(name);
  }
}
