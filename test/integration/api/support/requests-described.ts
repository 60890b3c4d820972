/**
 * Requests made of what `/openapi.json` says: each operation with what it takes, with what lies at the edge of that,
 * and with what it does not take at all. A new route is covered by being described.
 */
import fc from 'fast-check';
import type { Document, Operation, Parameter } from './described-answers.ts';

export interface DescribedRequest {
  method: string;
  template: string;
  /** As it goes on the wire, with its query. */
  target: string;
  headers: Record<string, string>;
  /** Undefined for none. */
  body: string | undefined;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'] as const;
/** What breaks readers of texts, paths and numbers. */
const TRICKS = [
  '',
  ' ',
  '0',
  '-1',
  '1.5',
  '1e9',
  '9'.repeat(20),
  'NaN',
  'null',
  'true',
  '+ts',
  '-_id',
  '2026-01-01',
  '2026-02-30T25:61:61Z',
  '1h',
  'a.b',
  'a,b,,c',
  '..',
  '../../etc/passwd',
  '%00',
  '\u0000',
  '\r\nX-Smuggled: 1',
  '💡',
  '\ud800',
  'x'.repeat(3_000),
  ...PROTOTYPE_KEYS,
];
const BROKEN_BODIES = [
  '',
  '{',
  '[[[[',
  '"',
  '{"a":1}{',
  'null',
  '[]',
  '"text"',
  '5',
  '{"__proto__":{"isGateway":true}}',
  '{"constructor":{"prototype":{"isGateway":true}}}',
  '{"name":"\ud800"}',
  `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
  `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`,
  JSON.stringify({
    name: 'x'.repeat(200_000),
    parameters: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [n, n])),
  }),
];
/** Headers of any request, the wrong encodings of a body among them. */
const ODD_HEADERS: readonly Record<string, string>[] = [
  {},
  {},
  {},
  { 'Content-Type': 'text/plain' },
  { 'Content-Type': 'application/json; charset=utf-16' },
  { 'Content-Type': 'application/x-www-form-urlencoded' },
  { 'Content-Type': '' },
  { 'Content-Encoding': 'gzip' },
  { Accept: 'text/html' },
  { Accept: 'text/csv' },
  { Accept: ';;;' },
  { 'Accept-Encoding': 'br;q=1, *;q=0' },
  { Authorization: 'Bearer x.y.z' },
  { Authorization: 'Basic eDp5' },
  { Origin: 'null' },
  { 'X-Forwarded-For': '127.0.0.1', 'X-HTTP-Method-Override': 'DELETE' },
];

type Json = Record<string, unknown>;

/** @param names ids that there are: most paths shall lead somewhere */
export function describedRequests(
  document: Document,
  names: readonly string[],
): fc.Arbitrary<DescribedRequest> {
  const operations = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      template,
      method: method.toUpperCase(),
      operation,
    })),
  );
  return fc
    .constantFrom(...operations)
    .chain(({ template, method, operation }) => request(document, { template, method, operation, names }));
}

function request(
  document: Document,
  of: { template: string; method: string; operation: Operation; names: readonly string[] },
): fc.Arbitrary<DescribedRequest> {
  const { template, operation } = of;
  const parametersIn = (where: Parameter['in']) => operation.parameters.filter((each) => each.in === where);
  const json = operation.requestBody?.content['application/json'];
  return fc
    .record({
      // mostly its own; any other must be refused in the same form
      method: fc.oneof({ weight: 8, arbitrary: fc.constant(of.method) }, fc.constantFrom(...METHODS)),
      fills: fc.array(fill(of.names), { minLength: 2, maxLength: 2 }),
      query: queryOf(document, parametersIn('query')),
      headers: headersOf(document, parametersIn('header')),
      odd: fc.constantFrom(...ODD_HEADERS),
      body: bodyOf(document, json?.schema),
      isRaw: fc.boolean(),
    })
    .map(({ method, fills, query, headers, odd, body, isRaw }) => {
      const encode = (text: string) =>
        isRaw ? text.replace(/[^\x21-\x7e]|#|\?/g, '') : encodeURIComponent(text.toWellFormed());
      let next = 0;
      const path = template.replace(/\{\w+\}/g, () => encode(fills[next++ % fills.length] as string) || 'x');
      const search = query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
      const mayHaveBody = method !== 'GET' && method !== 'HEAD';
      return {
        method,
        template,
        target: search === '' ? path : `${path}?${search}`,
        headers: { ...headers, ...odd },
        body: mayHaveBody ? body : undefined,
      };
    });
}

function fill(names: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...names) },
    fc.constantFrom(...TRICKS, '..%2f..%2fetc', '%2e%2e', 'a/b', '%', '%ff', '.', '//elsewhere'),
    fc.string({ maxLength: 20 }),
  );
}

/** Some of its parameters, at times twice, at times with others that nobody knows. */
function queryOf(document: Document, parameters: readonly Parameter[]): fc.Arbitrary<[string, string][]> {
  const known = parameters.map(({ name, schema }) => fc.tuple(fc.constant(name), textOf(document, schema)));
  const unknown = fc.tuple(fc.constantFrom('colour', ...PROTOTYPE_KEYS), fc.constantFrom(...TRICKS));
  return fc.array(fc.oneof(...known, unknown), { maxLength: 4 });
}

/** Header values are what Node lets through: the rest is sent as bytes in a test of its own. */
function headersOf(
  document: Document,
  parameters: readonly Parameter[],
): fc.Arbitrary<Record<string, string>> {
  const one = parameters.map(({ name, schema }) =>
    fc.tuple(
      fc.constant(name),
      fc
        .oneof(
          textOf(document, schema),
          fc.constantFrom(
            'wait=1',
            'wait=99999999999',
            '*',
            '/a',
            '//elsewhere/',
            'http://elsewhere/',
            'GET',
            'CONNECT',
            'a b',
          ),
        )
        .map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').trim()),
    ),
  );
  return one.length === 0
    ? fc.constant({})
    : fc
        .array(fc.oneof(...one), { maxLength: parameters.length })
        .map((entries) => Object.fromEntries(entries));
}

function bodyOf(document: Document, schema: Json | undefined): fc.Arbitrary<string | undefined> {
  const broken = fc.constantFrom(undefined, ...BROKEN_BODIES);
  const anything = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value));
  if (schema === undefined)
    return fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, broken, anything);
  const valid = valueFor(document, schema);
  return fc.oneof(
    { weight: 4, arbitrary: valid.map((value) => JSON.stringify(value)) },
    { weight: 4, arbitrary: valid.chain(mutated).map((value) => JSON.stringify(value)) },
    anything,
    broken,
  );
}

/** With one of its members gone, of another type, or one more. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fc.jsonValue();
  const keys = Object.keys(value);
  const other = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(...TRICKS, -1, 0, 1e308, [], {}),
  );
  const key =
    keys.length === 0
      ? fc.constantFrom<string>(...PROTOTYPE_KEYS)
      : fc.constantFrom(...keys, ...PROTOTYPE_KEYS);
  return fc.tuple(key, fc.option(other, { nil: undefined })).map(([name, put]) => {
    const entries = Object.entries(value).filter(([each]) => each !== name);
    // `__proto__` as a key of its own, as a parser makes it
    return JSON.parse(
      `{${[...entries, ...(put === undefined ? [] : [[name, put] as const])]
        .map(([each, content]) => `${JSON.stringify(each)}:${JSON.stringify(content) ?? 'null'}`)
        .join(',')}}`,
    );
  });
}

/** What `schema` takes, as text; or, as often, what it may not. */
function textOf(document: Document, schema: Json): fc.Arbitrary<string> {
  return fc.oneof(
    valueFor(document, schema).map((value) => (typeof value === 'string' ? value : JSON.stringify(value))),
    fc.constantFrom(...TRICKS),
    fc.string({ maxLength: 30 }),
  );
}

/** Values that a schema takes, its bounds among them. */
function valueFor(document: Document, schema: Json): fc.Arbitrary<unknown> {
  const { $ref, type, properties, required = [], minimum, maximum, pattern, items } = schema;
  if (typeof $ref === 'string') {
    return valueFor(document, document.components.schemas[$ref.split('/').at(-1) ?? ''] as Json);
  }
  const options = (schema['anyOf'] ?? schema['oneOf']) as Json[] | undefined;
  if (options) return fc.oneof(...options.map((option) => valueFor(document, option)));
  if ('const' in schema) return fc.constant(schema['const']);
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as unknown[]));
  if (type === 'object' && properties) {
    const members = Object.entries(properties as Record<string, Json>).map(
      ([name, member]) => [name, valueFor(document, member)] as const,
    );
    return fc.record(Object.fromEntries(members), { requiredKeys: [...(required as string[])] });
  }
  if (type === 'object')
    return fc.dictionary(
      fc.constantFrom('hostname', 'port', 'ip_address', 'state', 'a'),
      fc.jsonValue({ maxDepth: 1 }),
    );
  if (type === 'array') return fc.array(valueFor(document, (items ?? {}) as Json), { maxLength: 3 });
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') {
    const [min, max] = [Number(minimum ?? 0), Number(maximum ?? 1_000_000)];
    return fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max: Math.min(max, 2 ** 31) }));
  }
  if (typeof pattern === 'string') {
    // the library makes no texts for patterns that look ahead: those are paths
    if (pattern.includes('(?')) return fc.constantFrom('main.js', 'src/main.js', 'types.json');
    return fc.stringMatching(new RegExp(pattern));
  }
  if (type === 'string') {
    const [minLength, maxLength] = [Number(schema['minLength'] ?? 0), Number(schema['maxLength'] ?? 30)];
    const examples = (schema['examples'] ?? []) as string[];
    const text = fc.string({ minLength, maxLength: Math.min(maxLength, 30) });
    return examples.length === 0 ? text : fc.oneof(fc.constantFrom(...examples), text);
  }
  return fc.jsonValue({ maxDepth: 2 });
}
