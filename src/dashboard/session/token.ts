/** Access tokens: how one is asked for, and what it says. */
import { ApiError } from '../api/api-error.ts';

const TOKEN_PATH = '/authentication/v1/oauth/token';
const LOG_IN_MS = 8_000;
/** A connection may have died while nobody used it: the next one is a new one, and asking twice does no harm. */
const ATTEMPTS = 2;

export interface Credentials {
  clientId: string;
  clientSecret: string;
}
export interface IssuedToken {
  token: string;
  lifetimeMs: number;
  /** What it allows: `read`, `control`, `admin`. */
  scopes: readonly string[];
}

/** @throws ApiError: what the gateway said of the log-in */
export async function askForToken(credentials: Credentials): Promise<IssuedToken> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await askOnce(credentials);
    } catch (error) {
      // what the gateway refuses it refuses again
      if ((error as ApiError).status !== 0 || attempt === ATTEMPTS) throw error;
    }
  }
}

/** @throws ApiError */
async function askOnce(credentials: Credentials): Promise<IssuedToken> {
  try {
    const response = await fetch(TOKEN_PATH, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(credentials),
      signal: AbortSignal.timeout(LOG_IN_MS),
      cache: 'no-store',
      credentials: 'omit',
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw ApiError.from(response, body);
    const { access_token: token, expires_in: seconds } = body as { access_token: string; expires_in: number };
    return { token, lifetimeMs: seconds * 1_000, scopes: scopesIn(token) };
  } catch (error) {
    throw ApiError.unanswered(error);
  }
}

/** What a token says of itself (RFC 7519); only shown, never relied on: the gateway decides. */
function scopesIn(token: string): string[] {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const { scope } = JSON.parse(atob(payload)) as { scope?: string };
    return scope?.split(' ') ?? [];
  } catch {
    return [];
  }
}
