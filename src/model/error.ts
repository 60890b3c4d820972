/**
 * The one error type that crosses rooms. Its `code` is stable: the API's and the cloud's tables map it.
 * `message` says what happened and to what; `hint` what to do next.
 */
export type ErrorCode =
  | 'badRequest'
  | 'unauthorized'
  | 'forbidden'
  | 'notFound'
  | 'methodNotAllowed'
  | 'notAcceptable'
  | 'conflict'
  | 'tooLarge'
  | 'unsupportedMediaType'
  | 'tooManyRequests'
  | 'headersTooLarge'
  | 'deviceTimeout'
  | 'deviceRefused'
  | 'addonUnavailable'
  | 'unavailable'
  | 'badMessage'
  | 'badSetting'
  | 'portTaken'
  | 'folderUnusable'
  | 'alreadyRunning'
  | 'storeCorrupt'
  | 'storeNewer'
  | 'storeFailed'
  | 'cloudGone'
  | 'cloudRefused'
  | 'internal';

/** What is wrong with one field of what a caller sent. */
export interface FieldError {
  field: string;
  message: string;
}

/** RFC 6749, 5.2. */
export const OAUTH_ERRORS = [
  'invalid_request',
  'invalid_client',
  'unsupported_grant_type',
  'invalid_scope',
] as const;
export type OAuthError = (typeof OAUTH_ERRORS)[number];

export interface ErrorDetails {
  hint?: string | undefined;
  errors?: FieldError[] | undefined;
  cause?: unknown;
  /** Seconds after which the caller may try again. */
  retryAfterSeconds?: number | undefined;
  /** RFC 6749, 5.2: what OAuth calls it. */
  oauthError?: OAuthError | undefined;
  /** The scheme that a 401 names, where it is not `Bearer`. */
  challenge?: 'Basic' | undefined;
  /** HTTP status that a device itself answered. */
  deviceStatus?: number | undefined;
  /** An add-on's own name for what went wrong (`unreachable`, `interviewFailed`, …), kept in a `Reason`. */
  reasonCode?: string | undefined;
}

export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly oauthError: OAuthError | undefined;
  readonly challenge: 'Basic' | undefined;
  readonly deviceStatus: number | undefined;
  readonly reasonCode: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.hint = details.hint;
    this.errors = details.errors;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.oauthError = details.oauthError;
    this.challenge = details.challenge;
    this.deviceStatus = details.deviceStatus;
    this.reasonCode = details.reasonCode;
  }
}

/** Why something did not work, as it is kept and shown: the wire form of an error. */
export interface Reason {
  code: string;
  message: string;
  hint?: string;
}

export function reasonOf(error: unknown): Reason {
  if (error instanceof GatewayError) {
    return {
      code: error.reasonCode ?? error.code,
      message: error.message,
      ...(error.hint ? { hint: error.hint } : {}),
    };
  }
  return { code: 'internal', message: error instanceof Error ? error.message : String(error) };
}

/** The message, and what to do next where that is known: for people. */
export function messageWithHint(error: unknown): string {
  if (error instanceof GatewayError && error.hint) return `${error.message}: ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}
