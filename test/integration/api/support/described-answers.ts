/**
 * Holds every answer of the real API against what `/openapi.json` says of it: the status, the headers, the body. What
 * is not described, a key that nobody declared included, fails the test that got it.
 */
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import type { ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

type Json = Record<string, unknown>;

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Json;
}
export interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Json; example?: unknown }> };
  responses: Record<string, Response>;
  security: Json[];
}
interface Response {
  $ref?: string;
  headers?: Record<string, { required?: boolean; schema: Json }>;
  content?: Record<string, { schema: Json; example?: unknown }>;
}
export interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Json; responses: Record<string, Response> };
}
export interface AnswerToCheck {
  method: string;
  /** With its query. */
  target: string;
  status: number;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** Where nothing is: answered before there is a route. */
const OUTSIDE = new Set([400, 401, 403, 404, 405, 413, 415, 429, 431]);
const DOCUMENT = 'openapi.json';

export class DescribedAnswers {
  readonly document: Document;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #paths: { template: string; pattern: RegExp }[];
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(document: Document) {
    this.document = document;
    (addFormats as unknown as (ajv: Ajv2020) => void)(this.#ajv);
    this.#ajv.addSchema({ $id: DOCUMENT, components: closed(document.components) as Json });
    this.#paths = Object.keys(document.paths).map((template) => ({ template, pattern: patternOf(template) }));
    // the more of a path is spelt out, the sooner it is meant
    this.#paths.sort((a, b) => holes(a.template) - holes(b.template));
  }

  /** The template and operation that a request leads to. */
  operationFor(method: string, target: string): { template: string; operation: Operation } | undefined {
    const path = target.replace(/[?#].*$/s, '').replace(/(?<=.)\/$/, '');
    const asked = (method === 'HEAD' ? 'GET' : method).toLowerCase();
    const found = this.#paths.find(
      ({ template, pattern }) => pattern.test(path) && this.document.paths[template]?.[asked],
    );
    const operation = found && this.document.paths[found.template]?.[asked];
    return found && operation ? { template: found.template, operation } : undefined;
  }

  check(answer: AnswerToCheck): void {
    const { method, target, status, headers, body } = answer;
    const what = `${method} ${target} → ${status}`;
    // a preflight; socket.io's own answers, which asyncapi.json describes
    if ((method === 'OPTIONS' && status === 204) || target.startsWith('/socket.io/')) return;
    const found = this.operationFor(method, target);
    if (!found) {
      assert.ok(OUTSIDE.has(status), `${what}: nothing is described there, and yet it was answered`);
      if (method !== 'HEAD') this.#assertFits('Error', `#/components/schemas/Error`, body, what);
      return;
    }
    const { operationId, responses } = found.operation;
    const described = this.#resolved(responses[String(status)]);
    assert.ok(
      described,
      `${what}: ${operationId} does not say that this status may come: ${JSON.stringify(body)}`,
    );
    this.#checkHeaders(described, headers, what);
    if (method === 'HEAD') return;
    this.#checkBody(described, { answer, key: `${operationId} ${status}`, what });
  }

  /** @throws AssertionError when `value` is not as `schema` has it */
  assertFits(key: string, schema: Json, value: unknown, what: string): void {
    const check = this.#checks.get(key) ?? this.#ajv.compile(absolute(closed(schema)) as Json);
    this.#checks.set(key, check);
    assert.ok(
      check(value),
      `${what}: the body is not as described: ${JSON.stringify(check.errors?.slice(0, 3))}\n${JSON.stringify(value)?.slice(0, 500)}`,
    );
  }

  #assertFits(key: string, $ref: string, value: unknown, what: string): void {
    this.assertFits(key, { $ref }, value, what);
  }

  #checkHeaders({ headers: described = {} }: Response, headers: IncomingHttpHeaders, what: string): void {
    for (const [name, { required, schema }] of Object.entries(described)) {
      const value = headers[name.toLowerCase()];
      if (required) assert.notEqual(value, undefined, `${what}: the header ${name} is missing`);
      if (value === undefined) continue;
      const read = schema['type'] === 'integer' ? Number(value) : value;
      this.assertFits(`header ${JSON.stringify(schema)}`, schema, read, `${what}: header ${name}`);
    }
  }

  #checkBody(
    described: Response,
    { answer, key, what }: { answer: AnswerToCheck; key: string; what: string },
  ): void {
    const { headers, body } = answer;
    if (!described.content) {
      assert.equal(body, undefined, `${what}: no body is described, and yet there is one`);
      return;
    }
    const type = (headers['content-type'] ?? '').split(';')[0] ?? '';
    const content = described.content[type];
    assert.ok(content, `${what}: the media type "${type}" is not described`);
    this.assertFits(`${key} ${type}`, content.schema, body, what);
  }

  #resolved(response: Response | undefined): Response | undefined {
    const name = response?.$ref?.split('/').at(-1);
    return name === undefined ? response : this.document.components.responses[name];
  }
}

/** With nothing left open: an object has the keys that are declared, and no other. */
export function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'example' || key === 'enum' ? value : closed(value),
    ]),
  );
  const isOpen = 'properties' in schema && 'type' in schema && !('additionalProperties' in schema);
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}

function absolute(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${DOCUMENT}#/`));
}

function patternOf(template: string): RegExp {
  const escaped = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\{\w+\}/g, '[^/]+')}$`);
}

function holes(template: string): number {
  return template.split('{').length;
}
