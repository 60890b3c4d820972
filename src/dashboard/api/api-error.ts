/** Why a call to the gateway failed, in the gateway's own words where it had any. */
export interface FieldError {
  field: string;
  message: string;
}

/** The codes that the page itself adds to those of the gateway (docs/contracts.md, "The form of an error"). */
export const UNREACHABLE = 'unreachable';
export const NO_ANSWER = 'noAnswer';

export class ApiError extends Error {
  /** 0 where there was no answer. */
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly errors: readonly FieldError[];
  /** When it may be tried again. */
  readonly retryAfterSeconds: number | undefined;

  constructor(parts: {
    status: number;
    code: string;
    message: string;
    hint?: string | undefined;
    errors?: readonly FieldError[] | undefined;
    retryAfterSeconds?: number | undefined;
  }) {
    super(parts.message);
    this.name = 'ApiError';
    this.status = parts.status;
    this.code = parts.code;
    this.hint = parts.hint;
    this.errors = parts.errors ?? [];
    this.retryAfterSeconds = parts.retryAfterSeconds;
  }

  /** An answer that is no success. `body` is its JSON, or whatever came in its place. */
  static from({ status, statusText, headers }: Response, body: unknown): ApiError {
    const told = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
    const text = (key: string) => (typeof told[key] === 'string' ? (told[key] as string) : undefined);
    const retryAfter = Number(headers.get('Retry-After') ?? Number.NaN);
    return new ApiError({
      status,
      code: text('code') ?? `http${status}`,
      // the history's 404 are dojot's own: they have a description
      message: text('message') ?? text('description') ?? `${status} ${statusText}`.trim(),
      hint: text('hint'),
      errors: Array.isArray(told['errors']) ? (told['errors'] as FieldError[]) : undefined,
      retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    });
  }

  /** Nothing was answered: the gateway or the network is away, or it took too long. */
  static unanswered(thrown: unknown): ApiError {
    if (thrown instanceof ApiError) return thrown;
    const late = thrown instanceof DOMException && thrown.name === 'TimeoutError';
    return new ApiError({ status: 0, code: late ? NO_ANSWER : UNREACHABLE, message: '' });
  }
}
