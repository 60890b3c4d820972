/**
 * The OpenAPI 3.1 document, written from the declarations of the routes. Loaded when somebody asks for it: the daemon
 * that nobody asks does not pay for it.
 */
import type * as v from 'valibot';
import type { ErrorCode } from '../../model/error.ts';
import { ANONYMOUS_RIGHTS, SCOPE_FOR } from '../access.ts';
import { errorSchema, shownAs } from '../error-table.ts';
import { everyParameter } from '../query-values.ts';
import { type Answer, type AnyRoute, JSON_TYPE, OCTETS_TYPE, type RouteRight } from '../routes/route.ts';
import { BODY_EXAMPLES, EXAMPLES } from './examples.ts';
import { HEADERS } from './headers.ts';
import { type JsonSchema, members, WrittenSchemas } from './json-schema.ts';
import { NAMED_SCHEMAS } from './named-schemas.ts';
import { ABOUT, PATH_PARAMETERS, SECTIONS } from './words.ts';

/** The contract's version: it grows by addition (docs/contracts.md). */
const API_VERSION = '1.0.0';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const SECURITY_SCHEME = 'accessToken';
const TOKEN_PATH = '/authentication/v1/oauth/token';

/** What can be wrong with every request: its encoding, its token, its `Host`, its `Accept`, their number. */
const EVERYWHERE: readonly ErrorCode[] = [
  'badRequest',
  'unauthorized',
  'forbidden',
  'notAcceptable',
  'tooManyRequests',
  'headersTooLarge',
  'internal',
];
const WITH_BODY: readonly ErrorCode[] = ['tooLarge', 'unsupportedMediaType'];

type Json = Record<string, unknown>;
export interface OpenApiDocument extends Json {
  paths: Record<string, Record<string, Json>>;
}

export function openApiDocument(routes: readonly AnyRoute[]): OpenApiDocument {
  const writer = new WrittenSchemas(NAMED_SCHEMAS, [errorSchema, ...routes.flatMap(schemasOf)]);
  const paths: OpenApiDocument['paths'] = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, writer) };
  }
  const common = EVERYWHERE.map((code) => [code, errorAnswer([code], writer)]);
  return {
    openapi: '3.1.0',
    info: { title: 'gate: on-premise API', version: API_VERSION, description: ABOUT },
    servers: [{ url: '/', description: 'The gateway that serves this document' }],
    tags: Object.entries(SECTIONS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: writer.components,
      responses: Object.fromEntries(common),
      headers: HEADERS,
      securitySchemes: { [SECURITY_SCHEME]: SECURITY },
    },
  };
}

function schemasOf({ query, headers, body, form, answers }: AnyRoute): v.GenericSchema[] {
  const parameters = [query, headers].flatMap((each) =>
    each ? members(each).map(({ schema }) => schema) : [],
  );
  const given = Object.values(answers).flatMap(({ json, other = {} }) => [json, ...Object.values(other)]);
  return [query, body, form, ...parameters, ...given].filter((schema) => schema !== undefined);
}

const SECURITY = {
  type: 'oauth2',
  description:
    'A token for a client: `Authorization: Bearer …`. `admin` holds `control`, `control` holds `read`.',
  flows: {
    clientCredentials: {
      tokenUrl: TOKEN_PATH,
      scopes: {
        read: 'Every GET but those of clients and logs, and the events',
        control: 'Telling devices something',
        admin: 'Everything',
      },
    },
  },
};

function operation(route: AnyRoute, writer: WrittenSchemas): Json {
  const { name, section, summary, description, right } = route;
  return {
    operationId: name,
    tags: [section],
    summary,
    ...(description === undefined ? {} : { description }),
    security: security(right),
    parameters: [
      ...pathParameters(route),
      ...queryParameters(route, writer),
      ...headerParameters(route, writer),
    ],
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, writer) }),
    ...(route.takesOctets
      ? { requestBody: { required: true, content: { [OCTETS_TYPE]: { schema: {} } } } }
      : {}),
    responses: responses(route, writer),
  };
}

/** An empty alternative: also without a token, as far as `ON_PREMISE_ANONYMOUS` lets. */
function security(right: RouteRight): Json[] {
  if (right === 'anyone') return [{}];
  const byToken = { [SECURITY_SCHEME]: [SCOPE_FOR[right]] };
  return ANONYMOUS_RIGHTS.all.includes(right) ? [byToken, {}] : [byToken];
}

function pathParameters({ path }: AnyRoute): Json[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    const description = PATH_PARAMETERS[name];
    if (description === undefined) throw new Error(`nothing says what :${name} in ${path} is`);
    return { name, in: 'path', required: true, description, schema: { type: 'string' } };
  });
}

function queryParameters({ query }: AnyRoute, writer: WrittenSchemas): Json[] {
  if (query === undefined) return [];
  if (query === everyParameter) {
    const description = 'For HTTP devices: every parameter counts as it came';
    return [
      {
        name: 'parameters',
        in: 'query',
        style: 'form',
        explode: true,
        description,
        schema: writer.of(query),
      },
    ];
  }
  return parameters('query', query, writer);
}

function headerParameters({ headers }: AnyRoute, writer: WrittenSchemas): Json[] {
  return headers === undefined ? [] : parameters('header', headers, writer);
}

function parameters(where: 'query' | 'header', of: v.GenericSchema, writer: WrittenSchemas): Json[] {
  return members(of).map(({ name, schema, required }) => {
    const { description, ...written } = writer.of(schema);
    // a default is a text before it is read
    const { default: preset } = written;
    if (typeof preset === 'string' && written.type !== 'string') written.default = JSON.parse(preset);
    return {
      name,
      in: where,
      required,
      ...(description === undefined ? {} : { description }),
      schema: written,
    };
  });
}

function requestBody({ name, body, form }: AnyRoute, writer: WrittenSchemas): Json {
  if (body === undefined) return {};
  const examples = BODY_EXAMPLES[name];
  return {
    required: body.type !== 'optional',
    content: {
      [JSON_TYPE]: { schema: writer.of(body), ...(examples === undefined ? {} : { example: examples }) },
      ...(form === undefined ? {} : { [FORM_TYPE]: { schema: writer.of(form) } }),
    },
  };
}

function responses(route: AnyRoute, writer: WrittenSchemas): Json {
  const written: Record<string, Json> = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    written[status] = response(answer, EXAMPLES[route.name]?.[status], writer);
  }
  const codes = new Set([
    ...EVERYWHERE,
    ...(route.body || route.takesOctets ? WITH_BODY : []),
    ...(route.errors ?? []),
  ]);
  const byStatus = Map.groupBy(codes, (code) => shownAs(code).status);
  for (const [status, some] of byStatus) {
    const [only = 'internal', ...others] = some;
    const error =
      others.length === 0 && EVERYWHERE.includes(only)
        ? { $ref: `#/components/responses/${only}` }
        : errorAnswer(some, writer);
    written[status] = written[status] ? either(written[status], errorAnswer(some, writer)) : error;
  }
  return written;
}

function response(
  { says, json, other = {}, headers = [], mayHave = [] }: Answer,
  example: unknown,
  writer: WrittenSchemas,
): Json {
  const content = {
    ...(json === undefined
      ? {}
      : { [JSON_TYPE]: { schema: writer.of(json), ...(example === undefined ? {} : { example }) } }),
    ...Object.fromEntries(
      Object.entries(other).map(([type, schema]) => [type, { schema: writer.of(schema) }]),
    ),
  };
  return {
    description: says,
    ...(headers.length + mayHave.length === 0 ? {} : { headers: headerAnswers(headers, mayHave) }),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function headerAnswers(
  always: readonly (keyof typeof HEADERS)[],
  atTimes: readonly (keyof typeof HEADERS)[],
): Json {
  return Object.fromEntries([
    ...always.map((name) => [name, { ...HEADERS[name], required: true }]),
    ...atTimes.map((name) => [name, HEADERS[name]]),
  ]);
}

/** One status of the error form, with the codes that it may have. */
function errorAnswer(codes: readonly ErrorCode[], writer: WrittenSchemas): Json {
  const shown = [...new Set(codes.map((code) => shownAs(code).code))];
  const status = shownAs(codes[0] as ErrorCode).status;
  const headers: (keyof typeof HEADERS)[] = [
    ...(status === 401 ? (['WWW-Authenticate'] as const) : []),
    ...(status === 429 || status === 503 ? (['Retry-After'] as const) : []),
  ];
  const schema: JsonSchema = {
    allOf: [writer.of(errorSchema)],
    properties: { code: { enum: shown } },
  };
  return {
    description: `An error: \`${shown.join('`, `')}\``,
    ...(headers.length === 0 ? {} : { headers: headerAnswers(headers, []) }),
    content: { [JSON_TYPE]: { schema } },
  };
}

/** Two answers of one status. */
function either(first: Json, second: Json): Json {
  const schemaOf = (answer: Json) => (answer['content'] as Record<string, Json>)[JSON_TYPE]?.['schema'];
  return {
    ...first,
    description: `${first['description']}; or ${second['description']}`,
    content: {
      ...(first['content'] as Json),
      [JSON_TYPE]: { schema: { anyOf: [schemaOf(first), schemaOf(second)] } },
    },
  };
}
