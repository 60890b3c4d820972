/**
 * How a route says what it takes and what it gives, beside its handler. One declaration serves twice: the router
 * (`router.ts`) parses each request by these very schemas and hands on what they made of it, and `/openapi.json` is
 * written from them. So a handler and its description cannot disagree.
 */
import type { ParameterizedContext } from 'koa';
import type * as v from 'valibot';
import type { ErrorCode, GatewayError } from '../../model/error.ts';
import type { Caller, Right } from '../access.ts';

export interface ApiState {
  caller: Caller;
  /** Id of the client that this request has logged in. */
  client?: string;
  /** Once the request has been led to one. */
  route?: AnyRoute;
}
export type ApiContext = ParameterizedContext<ApiState>;

/** `anyone`: also a caller without a token, whatever `ON_PREMISE_ANONYMOUS` says. */
export type RouteRight = Right | 'anyone';
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The headers that an answer may have besides those of every answer; described in `description/headers.ts`. */
export type AnswerHeader =
  | 'Location'
  | 'ETag'
  | 'Cache-Control'
  | 'Content-Security-Policy'
  | 'Content-Disposition'
  | 'X-Truncated'
  | 'Retry-After';

/** One answer, by its status. */
export interface Answer<Schema extends v.GenericSchema | undefined = v.GenericSchema | undefined> {
  /** What it means, in a sentence. */
  says: string;
  /** The JSON; absent where there is no body, or none in JSON. */
  json?: Schema;
  /** Bodies of other media types. */
  other?: Readonly<Record<string, v.GenericSchema>>;
  /** Those it always has. */
  headers?: readonly AnswerHeader[];
  /** Those it has at times. */
  mayHave?: readonly AnswerHeader[];
}
export type Answers = Readonly<Record<number, Answer>>;

type MaySchema = v.GenericSchema | undefined;
type Output<Schema extends MaySchema> = Schema extends v.GenericSchema ? v.InferOutput<Schema> : undefined;

/** `:name` in a path template. */
type Names<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | Names<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;
export type PathParameters<Path extends string> = { readonly [Name in Names<Path>]: string };

/** A request as its route declared it, parsed. */
export interface ParsedRequest<
  Path extends string,
  Query extends MaySchema,
  Headers extends MaySchema,
  Body extends MaySchema,
  Form extends MaySchema,
> {
  path: PathParameters<Path>;
  query: Output<Query>;
  headers: Output<Headers>;
  body: Output<Body> | (Form extends v.GenericSchema ? v.InferOutput<Form> : never);
  /** For what a declaration does not say: the status, headers of the answer, the caller. */
  context: ApiContext;
}

type Shown<T> = T extends readonly (infer Item)[]
  ? readonly Shown<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Shown<T[Key]> }
    : T;
type JsonOf<One> = One extends { json: infer Schema extends v.GenericSchema }
  ? Shown<v.InferInput<Schema>>
  : never;
/** What a handler may return: the JSON of one of its answers; nothing where it has written the answer itself. */
export type Reply<Given extends Answers> = { [Status in keyof Given]: JsonOf<Given[Status]> }[keyof Given];

export interface RouteDeclaration<
  Path extends string = string,
  Query extends MaySchema = MaySchema,
  Headers extends MaySchema = MaySchema,
  Body extends MaySchema = MaySchema,
  Form extends MaySchema = MaySchema,
  Given extends Answers = Answers,
> {
  method: Method;
  /** A template: `/devices/:deviceId`. */
  path: Path;
  /** Unique; names the operation in the description. */
  name: string;
  /** The section of the description it stands in. */
  section: string;
  /** What it is for, in one line. */
  summary: string;
  /** What else is to be known. */
  description?: string;
  /** What its caller must be allowed to do. */
  right: RouteRight;
  /** An object of parameters, each given once at most; `everyParameter` for a route that hands all of them on. */
  query?: Query;
  /** An object by header name. */
  headers?: Headers;
  /** The JSON body. */
  body?: Body;
  /** A form that is taken in place of JSON. */
  form?: Form;
  /** Bytes in place of JSON, which the handler reads itself. */
  takesOctets?: boolean;
  /** What the body is, in errors: `device: "name" is missing`. */
  bodyName?: string;
  /** Puts the refusal of a body in other words. */
  refusal?: (error: GatewayError) => GatewayError;
  /** Large answers are compressed as `Accept-Encoding` has it. */
  compressed?: boolean;
  /** The first is the one that a returned body is sent with, unless the handler set another status. */
  answers: Given;
  /** What can go wrong besides what can with every request. */
  errors?: readonly ErrorCode[];
}

export interface Route<
  Path extends string = string,
  Query extends MaySchema = MaySchema,
  Headers extends MaySchema = MaySchema,
  Body extends MaySchema = MaySchema,
  Form extends MaySchema = MaySchema,
  Given extends Answers = Answers,
> extends RouteDeclaration<Path, Query, Headers, Body, Form, Given> {
  handle: (
    request: ParsedRequest<Path, Query, Headers, Body, Form>,
  ) => Reply<Given> | undefined | Promise<Reply<Given> | undefined> | Promise<void>;
}

/** A route whose types do not matter any more: registered, listed, described. */
export interface AnyRoute extends RouteDeclaration {
  // biome-ignore lint/suspicious/noExplicitAny: what it takes was checked where it was declared
  handle: (request: any) => unknown;
}

/** The status of the answer that a returned body is sent with. */
export function statusOf({ answers }: RouteDeclaration): number {
  return Number(Object.keys(answers)[0]);
}

export const JSON_TYPE = 'application/json';
export const OCTETS_TYPE = 'application/octet-stream';

/** The media types that a route's answers may have; the first is for a caller who takes any. */
export function mediaTypesOf({ answers }: RouteDeclaration): readonly string[] {
  const types = Object.values(answers).flatMap(({ json, other }) => [
    ...(json ? [JSON_TYPE] : []),
    ...Object.keys(other ?? {}),
  ]);
  return [...new Set(types)];
}
