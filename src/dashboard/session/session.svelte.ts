/**
 * Who is at the page. A log-in lives in memory alone: closing or loading the page anew ends it. The token is renewed
 * before it expires, and when that fails for longer than it lasts the person is asked again.
 */
import type { ApiError } from '../api/api-error.ts';
import { askForToken, type Credentials, type IssuedToken } from './token.ts';

/** A token is renewed when a tenth of its life is left, but not within the last half minute. */
const RENEW_AT = 0.9;
const RENEW_AHEAD_MS = 30_000;
const RENEW_AGAIN_MS = 5_000;
/** Longest delay that a browser's timer takes. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Why somebody is asked to log in. */
export interface Question {
  /** What the gateway said. */
  error: ApiError | undefined;
  answer: (loggedIn: boolean) => void;
}

class Session {
  #credentials: Credentials | undefined;
  #issued = $state.raw<IssuedToken | undefined>();
  #clientId = $state<string | undefined>();
  #question = $state.raw<Question | undefined>();
  #expired = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  /** For calls; undefined for a visitor without a log-in. */
  get token(): string | undefined {
    return this.#issued?.token;
  }

  /** Who is logged in. */
  get clientId(): string | undefined {
    return this.#clientId;
  }

  get scopes(): readonly string[] {
    return this.#issued?.scopes ?? [];
  }

  /** Set while somebody is asked to log in: the dialog shows it. */
  get question(): Question | undefined {
    return this.#question;
  }

  /** The log-in ended by itself, because it could not be renewed. */
  get expired(): boolean {
    return this.#expired;
  }

  /** @throws ApiError */
  async logIn(credentials: Credentials): Promise<void> {
    this.#take(credentials, await askForToken(credentials));
    this.#question?.answer(true);
  }

  logOut(): void {
    this.#forget();
    this.#expired = false;
    this.#tell();
  }

  /** The gateway takes the token no more: the client was removed, or its tokens were voided. */
  end(): void {
    if (this.#issued === undefined) return;
    this.#forget();
    this.#expired = true;
    this.#tell();
    void this.ask();
  }

  /** Opens the log-in; everybody who asks meanwhile waits for the same answer. @returns whether somebody logged in */
  ask(error?: ApiError): Promise<boolean> {
    const before = this.#question;
    return new Promise((resolve) => {
      const answer = (loggedIn: boolean) => {
        before?.answer(loggedIn);
        this.#question = undefined;
        resolve(loggedIn);
      };
      this.#question = { error: before?.error ?? error, answer };
    });
  }

  /** Called when there is another token, or none. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #take(credentials: Credentials, issued: IssuedToken): void {
    this.#credentials = credentials;
    this.#issued = issued;
    this.#clientId = credentials.clientId;
    this.#expired = false;
    const { lifetimeMs } = issued;
    this.#renewIn(Math.max(lifetimeMs / 2, Math.min(lifetimeMs * RENEW_AT, lifetimeMs - RENEW_AHEAD_MS)));
    this.#tell();
  }

  #renewIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renew(), Math.min(ms, TIMER_MAX_MS));
  }

  async #renew(): Promise<void> {
    const credentials = this.#credentials;
    if (!credentials) return;
    try {
      this.#take(credentials, await askForToken(credentials));
    } catch (error) {
      const { status, retryAfterSeconds } = error as ApiError;
      // the client is no more, or has another secret: there is no use in asking again
      if (status === 400 || status === 401) this.end();
      else this.#renewIn(retryAfterSeconds ? retryAfterSeconds * 1_000 : RENEW_AGAIN_MS);
    }
  }

  #forget(): void {
    clearTimeout(this.#timer);
    this.#credentials = undefined;
    this.#issued = undefined;
    this.#clientId = undefined;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const session = new Session();
