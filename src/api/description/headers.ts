/** The headers of answers, as the description has them. */
import type { AnswerHeader } from '../routes/route.ts';

export const HEADERS: Readonly<Record<AnswerHeader | 'Allow' | 'WWW-Authenticate', object>> = {
  Location: { description: 'Where it is to be found', schema: { type: 'string', format: 'uri-reference' } },
  ETag: { description: 'Changes with the body: for `If-None-Match`', schema: { type: 'string' } },
  'Cache-Control': { description: 'How long the answer may be kept', schema: { type: 'string' } },
  'Content-Security-Policy': { description: 'What the page may load', schema: { type: 'string' } },
  'Content-Disposition': { description: 'The name of the file', schema: { type: 'string' } },
  'X-Truncated': {
    description: 'Where the answer was cut: what lies beyond this moment is not, or not all, in it',
    schema: { type: 'string', format: 'date-time' },
  },
  'Retry-After': { description: 'Seconds after which to try again', schema: { type: 'integer', minimum: 1 } },
  Allow: { description: 'The methods that the path has', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'RFC 9110, 11.6.1', schema: { type: 'string' } },
};
