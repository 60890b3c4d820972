/** The routes: registered by their declarations (`route.ts`), guarded, and each request parsed before its handler runs. */
import { Router } from '@koa/router';
import type { Middleware } from 'koa';
import type * as v from 'valibot';
import { GatewayError } from '../../model/error.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { isForm, readForm, readJson } from '../body.ts';
import { compressed } from '../compression.ts';
import { namesIn, readQuery } from '../query.ts';
import {
  type Answers,
  type AnyRoute,
  type ApiContext,
  type ApiState,
  mediaTypesOf,
  type Route,
  type RouteDeclaration,
  statusOf,
} from './route.ts';

type MaySchema = v.GenericSchema | undefined;
type Match =
  | { route: AnyRoute; mediaTypes: readonly string[]; methods?: never }
  | { route?: never; mediaTypes?: never; methods: string[] };

export class Routes {
  readonly #access: Access;
  /** Paths are told apart by case, as URLs are. */
  readonly #router = new Router<ApiState>({ sensitive: true });
  readonly #routes = new Map<string, { route: AnyRoute; mediaTypes: readonly string[] }>();

  constructor(access: Access) {
    this.#access = access;
  }

  add<
    const Path extends string,
    Given extends Answers,
    Query extends MaySchema = undefined,
    Headers extends MaySchema = undefined,
    Body extends MaySchema = undefined,
    Form extends MaySchema = undefined,
  >(route: Route<Path, Query, Headers, Body, Form, Given>): void {
    const { method, path, right } = route;
    const status = statusOf(route);
    const run: Middleware<ApiState> = async (context) => {
      if (right !== 'anyone') this.#access.demand(context.state.caller, right);
      context.status = status;
      await answer(route as AnyRoute, context as ApiContext);
    };
    const handlers = route.compressed ? [compressed(), run] : [run];
    this.#routes.set(`${method} ${path}`, { route: route as AnyRoute, mediaTypes: mediaTypesOf(route) });
    this.#router.register(path, [method], handlers as never);
  }

  /** In the order they were added. */
  get all(): readonly AnyRoute[] {
    return [...this.#routes.values()].map(({ route }) => route);
  }

  /** Every method and path template that requests are led to, as the router itself has them. */
  get registered(): { method: string; path: string }[] {
    return this.#router.stack.flatMap(({ methods, path }) =>
      methods.map((method) => ({ method, path: String(path) })),
    );
  }

  /** The route of a request, or the methods that its path does have: none where there is no such path. */
  match(path: string, method: string): Match {
    const found = this.#router.match(path, method);
    const layer = found.pathAndMethod[0];
    const asked = method === 'HEAD' ? 'GET' : method;
    const declared = found.route && layer ? this.#routes.get(`${asked} ${String(layer.path)}`) : undefined;
    return declared ?? { methods: this.methodsOf(path) };
  }

  /** The methods that `path` can be called with; empty when there is no such path. */
  methodsOf(path: string): string[] {
    const layers = this.#router.match(path, 'OPTIONS').path;
    return [...new Set(layers.flatMap((layer) => layer.methods))];
  }

  middleware(): Middleware<ApiState> {
    return this.#router.routes() as unknown as Middleware<ApiState>;
  }
}

async function answer(route: AnyRoute, context: ApiContext): Promise<void> {
  const query = route.query && readQuery(route.query, context.querystring);
  const headers = headersOf(route, context);
  const body = await bodyOf(route, context);
  const reply = await route.handle({ path: context['params'], query, headers, body, context });
  if (reply !== undefined) context.body = reply;
}

/** @throws GatewayError badRequest */
function headersOf({ headers }: AnyRoute, context: ApiContext): unknown {
  if (headers === undefined) return undefined;
  const given = (namesIn(headers) ?? []).map((name) => [name, context.get(name)] as const);
  return parseWith(headers, Object.fromEntries(given.filter(([, value]) => value !== '')), 'headers');
}

/** @throws GatewayError badRequest, tooLarge, unsupportedMediaType */
async function bodyOf(route: RouteDeclaration, { req }: ApiContext): Promise<unknown> {
  const { body, form, bodyName = 'body', refusal } = route;
  if (body === undefined) return undefined;
  const isFormBody = form !== undefined && isForm(req);
  const sent = isFormBody ? await readForm(req) : await readJson(req);
  try {
    return parseWith(isFormBody ? form : body, sent, bodyName);
  } catch (error) {
    throw refusal && error instanceof GatewayError ? refusal(error) : error;
  }
}

/** The path of a route with its parameters put in, encoded: for `Location`. */
export function pathTo(template: string, parameters: Readonly<Record<string, string>>): string {
  return template.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(parameters[name] ?? ''));
}
