/**
 * The API as functions, typed by its own OpenAPI document (`generated/api.d.ts`). A call ends within its time, with an
 * answer or an `ApiError`. Where the gateway wants to know who calls, the person is asked once, and the call made again.
 */
import createClient from 'openapi-fetch';
import type { paths } from '../generated/api.d.ts';
import { session } from '../session/session.svelte.ts';
import { ApiError } from './api-error.ts';

/** Longer than the longest that the gateway lets a command take where nothing else is said. */
const CALL_MS = 40_000;

/** Calls by path and method; hand them to `quietly` or `request`. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: sent });

interface Outcome<Data> {
  data?: Data | undefined;
  error?: unknown;
  response: Response;
}
type Call<Data> = () => Promise<Outcome<Data>>;

/**
 * For what a person wants done or wants to see: a 401 opens the log-in and, after it, makes the call again.
 * `await request(() => api.GET('/device/v1/devices'))`
 * @throws ApiError
 */
export async function request<Data>(call: Call<Data>): Promise<Data> {
  try {
    return await quietly(call);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error;
    if (!(await session.ask(error))) throw error;
    return quietly(call);
  }
}

/** For what the page does by itself: it asks nobody. @throws ApiError */
export async function quietly<Data>(call: Call<Data>): Promise<Data> {
  const { data, error, response } = await call().catch((thrown: unknown) => {
    throw ApiError.unanswered(thrown);
  });
  if (!response.ok) throw ApiError.from(response, error);
  return data as Data;
}

/**
 * What openapi-fetch has put together, sent as plainly as it can be: with its body as text. One that goes from `Request` to
 * `Request` is a stream on its way, and what a browser does with that when the answer is a 401 is nobody's promise.
 */
async function sent(call: Request): Promise<Response> {
  const { url, method, headers, signal } = call;
  const body = method === 'GET' || method === 'HEAD' ? '' : await call.text();
  return fetchAs(url, { method, headers, signal, ...(body === '' ? {} : { body }) });
}

/**
 * `fetch` with the token of whoever is logged in, for bytes and streams. @throws as `fetch`
 * @param deadlineMs how long it may take; 0 for no end, as for a file that is sent or fetched
 */
export function fetchAs(url: string, init: RequestInit = {}, deadlineMs = CALL_MS): Promise<Response> {
  const headers = new Headers(init.headers);
  if (session.token !== undefined) headers.set('Authorization', `Bearer ${session.token}`);
  const ends = [init.signal, deadlineMs === 0 ? undefined : AbortSignal.timeout(deadlineMs)];
  const signal = AbortSignal.any(ends.filter((each) => each instanceof AbortSignal));
  return fetch(url, { ...init, headers, signal, cache: 'no-store', credentials: 'omit' });
}
