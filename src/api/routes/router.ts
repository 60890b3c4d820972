/**
 * What every file of routes shares: the context's state, the guard that each route names its right with, and the
 * methods that a path has.
 */
import { Router, type RouterMiddleware } from '@koa/router';
import type { Access, Caller, Right } from '../access.ts';

export interface ApiState {
  caller: Caller;
}
export type ApiRouter = Router<ApiState>;

/** Paths are told apart by case, as URLs are. */
export function createRouter(): ApiRouter {
  return new Router<ApiState>({ sensitive: true });
}

/** Puts before a route what its caller must be allowed to do. */
export function guarded(access: Access, right: Right): RouterMiddleware<ApiState> {
  return (context, next) => {
    access.demand(context.state.caller, right);
    return next();
  };
}

/** The methods that `path` can be called with; empty when there is no such path. */
export function methodsOf(router: ApiRouter, path: string): string[] {
  const layers = router.match(path, 'OPTIONS').path;
  return [...new Set(layers.flatMap((layer) => layer.methods))];
}
