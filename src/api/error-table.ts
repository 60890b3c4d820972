/**
 * The error table: which HTTP status each code has, and what a caller is told of it. What is not `shown` is
 * somebody's bug or the box's own trouble: the log has it whole, the caller a sentence without internals.
 */
import * as v from 'valibot';
import { QueueFullError } from '../lib/serial-queue.ts';
import { type ErrorCode, GatewayError, OAUTH_ERRORS } from '../model/error.ts';

interface ErrorRow {
  status: number;
  shown: boolean;
}

const shown = (status: number): ErrorRow => ({ status, shown: true });
const hidden = (status: number): ErrorRow => ({ status, shown: false });

export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorRow>> = {
  badRequest: shown(400),
  unauthorized: shown(401),
  forbidden: shown(403),
  notFound: shown(404),
  methodNotAllowed: shown(405),
  notAcceptable: shown(406),
  conflict: shown(409),
  tooLarge: shown(413),
  unsupportedMediaType: shown(415),
  tooManyRequests: shown(429),
  headersTooLarge: shown(431),
  deviceTimeout: shown(503),
  deviceRefused: shown(503),
  addonUnavailable: shown(503),
  unavailable: shown(503),
  storeFailed: hidden(503),
  storeCorrupt: hidden(500),
  storeNewer: hidden(500),
  badMessage: hidden(500),
  badSetting: hidden(500),
  portTaken: hidden(500),
  folderUnusable: hidden(500),
  alreadyRunning: hidden(500),
  cloudGone: hidden(503),
  cloudRefused: hidden(503),
  internal: hidden(500),
};

const HIDDEN_503 = 'unavailable';

/** The status and the code that a caller is told of an error. */
export function shownAs(code: ErrorCode): { status: number; code: ErrorCode } {
  const { status, shown } = ERROR_TABLE[code];
  if (shown) return { status, code };
  return { status, code: status === 503 ? HIDDEN_503 : 'internal' };
}

/** When to come back, in seconds, where the error itself does not say. */
const RETRY_AFTER_SECONDS: Readonly<Record<number, number>> = { 429: 1, 503: 5 };

/** The one form of errors. */
export const errorSchema = v.object({
  message: v.pipe(v.string(), v.description('For a person: what happened, and to what')),
  code: v.pipe(v.string(), v.description('Stable: for programs')),
  errors: v.optional(
    v.pipe(
      v.array(v.object({ field: v.string(), message: v.string() })),
      v.description('What is wrong, field by field'),
    ),
  ),
  hint: v.optional(v.pipe(v.string(), v.description('What to do next'))),
  error: v.optional(
    v.pipe(
      v.picklist(OAUTH_ERRORS),
      v.description('For OAuth clients, where they look for it (RFC 6749, 5.2)'),
    ),
  ),
  deviceStatus: v.optional(
    v.pipe(v.number(), v.integer(), v.description('What the device answered, where it speaks HTTP')),
  ),
});
export type ErrorBody = v.InferOutput<typeof errorSchema>;

export interface ErrorAnswer {
  status: number;
  headers: Record<string, string>;
  body: ErrorBody;
  /** Whether `body` holds the error's own words; otherwise it belongs in the log. */
  shown: boolean;
}

export function answerOf(thrown: unknown): ErrorAnswer {
  const error = gatewayErrorOf(thrown);
  const row = ERROR_TABLE[error.code];
  return {
    status: row.status,
    headers: headersOf(error, row.status),
    body: bodyOf(error, row),
    shown: row.shown,
  };
}

function gatewayErrorOf(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (thrown instanceof QueueFullError) {
    return new GatewayError('tooManyRequests', 'too many changes wait already', { cause: thrown });
  }
  return new GatewayError('internal', 'internal error', { cause: thrown });
}

function headersOf(error: GatewayError, status: number): Record<string, string> {
  const seconds = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS[status];
  return {
    ...(RETRY_AFTER_SECONDS[status] === undefined ? {} : { 'Retry-After': String(seconds) }),
    // RFC 9110, 11.6.1: a 401 names the scheme
    ...(status === 401 ? { 'WWW-Authenticate': `${error.challenge ?? 'Bearer'} realm="gate"` } : {}),
  };
}

function bodyOf(error: GatewayError, { status, shown }: ErrorRow): ErrorBody {
  if (!shown) {
    return status === 503
      ? {
          message: 'the gateway cannot do this just now',
          code: HIDDEN_503,
          hint: 'GET /health/ready says why',
        }
      : { message: 'the gateway has an internal problem; its log says more', code: 'internal' };
  }
  return {
    message: error.message,
    code: error.code,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.oauthError === undefined ? {} : { error: error.oauthError }),
    ...(error.deviceStatus === undefined ? {} : { deviceStatus: error.deviceStatus }),
  };
}
