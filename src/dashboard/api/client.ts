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

/** Calls by path and method; hand them to `ask` or `request`. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: (call) => fetchAs(call),
});

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
 * `fetch` with the token of whoever is logged in, for bytes and streams. @throws as `fetch`
 * @param deadlineMs how long it may take; 0 for no end, as for a file that is sent or fetched
 */
export function fetchAs(
  call: Request | string,
  init: RequestInit = {},
  deadlineMs = CALL_MS,
): Promise<Response> {
  const wanted = new Request(call, init);
  if (session.token !== undefined) wanted.headers.set('Authorization', `Bearer ${session.token}`);
  const signal =
    deadlineMs === 0 ? wanted.signal : AbortSignal.any([wanted.signal, AbortSignal.timeout(deadlineMs)]);
  return fetch(wanted, { signal, cache: 'no-store', credentials: 'omit' });
}
