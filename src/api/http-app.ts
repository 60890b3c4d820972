/**
 * The Koa application that both listeners share: what every request goes through, in this order, before it
 * reaches its route. Every error leaves here in one form.
 */
import Koa, { type Middleware, type ParameterizedContext } from 'koa';
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import type { Access } from './access.ts';
import type { ChangeRecord } from './change-record.ts';
import { answerOf } from './error-table.ts';
import type { HostCheck } from './host-check.ts';
import type { HttpFigures } from './http-figures.ts';
import type { Origins } from './origins.ts';
import { parseQuery } from './query.ts';
import type { RateLimit } from './rate-limit.ts';
import { TOKEN_PATH } from './routes/authentication.ts';
import type { ApiState } from './routes/route.ts';
import type { Routes } from './routes/router.ts';

type ApiMiddleware = Middleware<ApiState>;
type ApiContext = ParameterizedContext<ApiState>;

const PREFLIGHT_MAX_AGE_SECONDS = 600;
const CORS_REQUEST_HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, instathings-path, instathings-method';
const CORS_ANSWER_HEADERS = 'ETag, Location, Retry-After, X-Truncated';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface HttpAppParts {
  routes: Routes;
  access: Access;
  rateLimit: RateLimit;
  hostCheck: HostCheck;
  origins: Origins;
  figures: HttpFigures;
  record: ChangeRecord;
  logger: Logger;
}

export function createHttpApp(parts: HttpAppParts): Koa<ApiState> {
  const { routes, access, rateLimit, hostCheck, origins, figures, record, logger } = parts;
  const app = new Koa<ApiState>();
  app.on('error', (error) => logger.debug({ err: error }, 'an answer could not be written'));
  app.use(countAnswers(figures));
  app.use(record.middleware());
  app.use(answerErrors(logger));
  app.use(checkHost(hostCheck, access));
  app.use(answerOrigins(origins, routes));
  app.use(noteCaller(access, rateLimit));
  app.use(checkEncoding);
  app.use(checkRoute(routes));
  app.use(routes.middleware());
  return app;
}

function countAnswers(figures: HttpFigures): ApiMiddleware {
  return async (context, next) => {
    const began = performance.now();
    await next();
    const { method, status, state } = context;
    figures.answered(method, state.route?.path, { status, ms: performance.now() - began });
  };
}

function answerErrors(logger: Logger): ApiMiddleware {
  return async (context, next) => {
    context.set('X-Content-Type-Options', 'nosniff');
    context.set('Cache-Control', 'no-store');
    try {
      await next();
    } catch (error) {
      const { status, headers, body, shown } = answerOf(error);
      if (!shown) {
        // a template where there is a route: the path of a webhook is a secret
        const path = context.state.route?.path ?? context.path;
        logger.error({ err: error, method: context.method, path }, 'a request failed');
      }
      context.status = status;
      context.set(headers);
      context.body = body;
    }
  };
}

/** After the origins, so that a page may read why its token was refused. */
function noteCaller(access: Access, rateLimit: RateLimit): ApiMiddleware {
  return async (context, next) => {
    const { req } = context;
    context.state.caller = access.isLocal(req) ? 'local' : 'anonymous';
    // who asks for a token may still send the one that has expired
    if (context.path.replace(/\/$/, '') !== TOKEN_PATH) {
      context.state.caller = await access.callerOf(req).catch((error: unknown) => {
        rateLimit.count('anonymous', req);
        throw error;
      });
    }
    rateLimit.count(context.state.caller, req);
    return next();
  };
}

function checkHost(hostCheck: HostCheck, access: Access): ApiMiddleware {
  return (context, next) => {
    if (!access.isLocal(context.req)) hostCheck.demand(context.req.headers.host);
    return next();
  };
}

/** CORS, preflights included; a page of a foreign origin may not change anything. */
function answerOrigins(origins: Origins, routes: Routes): ApiMiddleware {
  return (context, next) => {
    const kind = origins.kindOf(context.req);
    context.vary('Origin');
    if (kind === 'allowed') {
      context.set('Access-Control-Allow-Origin', context.get('Origin'));
      context.set('Access-Control-Expose-Headers', CORS_ANSWER_HEADERS);
      const methods = routes.methodsOf(context.path);
      if (context.method === 'OPTIONS' && methods.length > 0) return answerPreflight(context, methods);
    }
    if (kind === 'foreign' && !SAFE_METHODS.has(context.method)) {
      throw new GatewayError('forbidden', 'a page of this origin may not change anything here', {
        hint: 'add its origin to CORS_ORIGINS',
      });
    }
    return next();
  };
}

function answerPreflight(context: ApiContext, methods: readonly string[]): void {
  context.status = 204;
  context.set('Access-Control-Allow-Methods', methods.join(', '));
  context.set('Access-Control-Allow-Headers', CORS_REQUEST_HEADERS);
  context.set('Access-Control-Max-Age', String(PREFLIGHT_MAX_AGE_SECONDS));
}

/** What can be wrong with any request, wherever it leads. */
const checkEncoding: ApiMiddleware = (context, next) => {
  parseQuery(context.querystring);
  try {
    decodeURIComponent(context.path);
  } catch (cause) {
    throw new GatewayError('badRequest', 'the path has a malformed percent-encoding', { cause });
  }
  return next();
};

/** There is a route, and it has what the caller takes as an answer. */
function checkRoute(routes: Routes): ApiMiddleware {
  return (context, next) => {
    const { route, mediaTypes, methods } = routes.match(context.path, context.method);
    if (route === undefined) {
      if (methods.length === 0) throw new GatewayError('notFound', `there is nothing at ${context.path}`);
      context.set('Allow', methods.join(', '));
      throw new GatewayError('methodNotAllowed', `${context.path} does not know ${context.method}`, {
        hint: `it knows ${methods.join(', ')}`,
      });
    }
    context.state.route = route;
    if (context.accepts(...mediaTypes) !== false) return next();
    throw new GatewayError('notAcceptable', `${context.path} answers with ${mediaTypes.join(' or ')}`, {
      hint: `send Accept: ${mediaTypes.join(' or ')}`,
    });
  };
}
