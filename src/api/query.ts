/**
 * Query strings, read strictly: what cannot be decoded, or stands there twice, is the caller's mistake and is
 * told as such. An unknown parameter is nobody's business.
 */
import type * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { parseWith } from '../model/parse.ts';

/** Every value of each parameter, in the order given. `+` is a space, as forms have it. */
export type QueryParameters = ReadonlyMap<string, readonly string[]>;

/** @throws GatewayError badRequest for a malformed percent-encoding */
export function parseQuery(queryString: string): QueryParameters {
  const parameters = new Map<string, string[]>();
  for (const pair of queryString.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    const values = parameters.get(name) ?? [];
    parameters.set(name, values);
    values.push(equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return parameters;
}

/**
 * The parameters as `schema` has them: those that it names, one value each; for a schema of another kind all of them.
 * @throws GatewayError badRequest naming each parameter that is wrong and what it may be
 */
export function readQuery<Schema extends v.GenericSchema>(
  schema: Schema,
  queryString: string,
): v.InferOutput<Schema> {
  const parameters = parseQuery(queryString);
  const names = namesIn(schema);
  return parseWith(schema, names ? singleValues(parameters, names) : parameters, 'query');
}

/** The keys of an object's schema; undefined for a schema of another kind. */
export function namesIn(schema: v.GenericSchema): string[] | undefined {
  return 'entries' in schema ? Object.keys(schema.entries as object) : undefined;
}

/** The named parameters that are there, one value each. @throws GatewayError badRequest for one given twice */
export function singleValues(parameters: QueryParameters, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const [value, another] = parameters.get(name) ?? [];
    if (another !== undefined) {
      throw new GatewayError('badRequest', `query: "${name}" is given more than once`, {
        errors: [{ field: name, message: 'may be given once' }],
      });
    }
    if (value !== undefined) found[name] = value;
  }
  return found;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new GatewayError('badRequest', 'the query string has a malformed percent-encoding', { cause });
  }
}
