/** What a JSON Schema of parameters asks for, as fields of a form; and back, what was typed as parameters. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';

/** Never shown while it is typed; the gateway never shows it either. */
const SECRET = /(password|passphrase|token|secret|key|code)$/i;
/** A longer title is a sentence: it explains, and the name stands above. */
const TITLE_MAX_CHARS = 32;

export interface FormField {
  name: string;
  /** `choices`: some of a few texts. `rows`: objects of one form, one below the other. `json`: what is deeper. */
  kind: 'text' | 'secret' | 'number' | 'boolean' | 'choice' | 'choices' | 'rows' | 'json';
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
  /** Of each row, and how many rows there may be. */
  fields?: readonly FormField[];
  minRows?: number;
  maxRows?: number;
}

/** What is typed, by name. */
export interface Typed {
  /** Text; for yes or no `true` and `false`, for some of a few JSON. */
  text: Record<string, string>;
  rows: Record<string, Row[]>;
}
export interface Row {
  /** Stays that of this row while others come and go. */
  key: number;
  typed: Typed;
}

/** @param inRow a row has no rows of its own */
export function fieldsOf(schema: unknown, inRow = false): FormField[] {
  if (!isJsonObject(schema) || !isJsonObject(schema['properties'])) return [];
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const fields = Object.entries(schema['properties']).map(([name, property]) =>
    field(name, isJsonObject(property) ? property : {}, { required: required.includes(name), inRow }),
  );
  // what must be given comes first
  return [...fields.filter((each) => each.required), ...fields.filter((each) => !each.required)];
}

function field(
  name: string,
  property: JsonObject,
  { required, inRow }: { required: boolean; inRow: boolean },
): FormField {
  const items = property['type'] === 'array' && isJsonObject(property['items']) ? property['items'] : {};
  const offered = property['enum'] ?? items['enum'];
  const choices = Array.isArray(offered) ? offered : [];
  const kind = kindOf(name, property, choices);
  const fields = kind === 'json' && !inRow ? fieldsOf(items, true) : [];
  const { minItems, maxItems } = property;
  const title = textOf(property, 'title');
  const description = textOf(property, 'description');
  const isShort = title !== undefined && title.length <= TITLE_MAX_CHARS;
  const preset = property['default'];
  const { minimum, maximum, maxLength } = property;
  return {
    name,
    kind: fields.length > 0 ? 'rows' : kind,
    label: isShort ? title : inWords(name),
    hint: isShort
      ? description
      : [title, description].filter((each) => each !== undefined).join('. ') || undefined,
    required,
    preset: preset === undefined ? '' : textFrom(preset),
    choices,
    step: property['type'] === 'integer' ? 1 : 'any',
    ...(typeof minimum === 'number' ? { min: minimum } : {}),
    ...(typeof maximum === 'number' ? { max: maximum } : {}),
    ...(typeof maxLength === 'number' ? { maxLength } : {}),
    ...(fields.length > 0 ? { fields } : {}),
    ...(typeof minItems === 'number' ? { minRows: minItems } : {}),
    ...(typeof maxItems === 'number' ? { maxRows: maxItems } : {}),
  };
}

function kindOf(name: string, { type }: JsonObject, choices: readonly JsonValue[]): FormField['kind'] {
  if (choices.length > 0) return type === 'array' ? 'choices' : 'choice';
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
  const typed: Typed = { text: {}, rows: {} };
  for (const each of fields) {
    const value = given[each.name];
    if (each.kind === 'rows') typed.rows[each.name] = rowsFrom(each, value);
    else typed.text[each.name] = value === undefined ? each.preset : textFrom(value);
  }
  return typed;
}

/** Where there must be some, the first of them are there to be filled in. */
function rowsFrom({ fields = [], required, minRows = 0 }: FormField, given: JsonValue | undefined): Row[] {
  if (Array.isArray(given)) return given.map((each) => newRow(fields, isJsonObject(each) ? each : {}));
  return Array.from({ length: required ? minRows : 0 }, () => newRow(fields));
}

let rows = 0;

export function newRow(fields: readonly FormField[], given: JsonObject = {}): Row {
  rows += 1;
  return { key: rows, typed: typedFrom(fields, given) };
}

/** As it is typed. */
export function textFrom(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Which of `choices` are chosen in `text`. */
export function chosenIn(text: string): readonly JsonValue[] {
  try {
    const chosen: unknown = JSON.parse(text);
    return Array.isArray(chosen) ? chosen : [];
  } catch {
    return [];
  }
}

/** The text that stands for them, in the order of `choices`. */
export function textOfChosen({ choices }: FormField, chosen: readonly JsonValue[]): string {
  return chosen.length === 0 ? '' : JSON.stringify(choices.filter((choice) => chosen.includes(choice)));
}

export class NotJsonError extends Error {
  /** `datapoints.0.flags` */
  readonly field: string;
  constructor(field: string) {
    super(field);
    this.field = field;
  }
}

/**
 * What is left empty is left out. What the form does not show but was given stays. `at` is where the fields lie, for the error.
 * @throws NotJsonError
 */
export function parametersFrom(
  fields: readonly FormField[],
  typed: Typed,
  given: JsonObject = {},
  at = '',
): JsonObject {
  const shown = new Set(fields.map(({ name }) => name));
  const parameters: JsonObject = Object.fromEntries(
    Object.entries(given).filter(([name]) => !shown.has(name)),
  );
  for (const each of fields) {
    const path = `${at}${each.name}`;
    const value =
      each.kind === 'rows'
        ? rowsTyped(each, typed.rows[each.name] ?? [], path)
        : parsed(each, typed.text[each.name] ?? '', path);
    if (value !== undefined) parameters[each.name] = value;
  }
  return parameters;
}

function rowsTyped({ fields = [] }: FormField, typed: readonly Row[], path: string): JsonValue | undefined {
  if (typed.length === 0) return undefined;
  return typed.map((row, index) => parametersFrom(fields, row.typed, {}, `${path}.${index}.`));
}

function parsed({ kind, choices, preset }: FormField, text: string, path: string): JsonValue | undefined {
  if (text === '' || (kind === 'boolean' && text === 'false' && preset === '')) return undefined;
  if (kind === 'boolean') return text === 'true';
  if (kind === 'number') return Number(text);
  if (kind === 'choice') return choices.find((choice) => textFrom(choice) === text) ?? text;
  if (kind !== 'json' && kind !== 'choices') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new NotJsonError(path);
  }
}
