/**
 * Parsing at a border: a valibot schema gives the type and the check, this turns its findings into one
 * `GatewayError` that names every field that is wrong.
 */
import * as v from 'valibot';
import { type ErrorCode, type FieldError, GatewayError } from './error.ts';

/** @throws GatewayError with `code`, its message naming `what` and the first field that is wrong. */
export function parseWith<S extends v.GenericSchema>(
  schema: S,
  input: unknown,
  what: string,
  code: ErrorCode = 'badRequest',
): v.InferOutput<S> {
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const errors = result.issues.map(fieldError);
  const first = errors[0] as FieldError;
  throw new GatewayError(code, `${what}: ${first.field ? `"${first.field}" ` : ''}${first.message}`, {
    errors,
  });
}

function fieldError(issue: v.BaseIssue<unknown>): FieldError {
  return { field: v.getDotPath(issue) ?? '', message: wordsOf(issue) };
}

/** The schemas' own words, or the library's put as a person would. */
function wordsOf({ message, received, path }: v.BaseIssue<unknown>): string {
  const [, expected, found] = /^Invalid [\w ]+: Expected (.+) but received (.+)$/.exec(message) ?? [];
  if (expected === undefined) return message;
  if (received === 'undefined' && path) return 'is missing';
  return `must be ${expected}, but is ${found}`;
}
