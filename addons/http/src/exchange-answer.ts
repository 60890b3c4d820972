/** What a device answered, and what can be read out of it. */
import { AddonError, type JsonValue } from '@gate/addon-sdk';

export interface ExchangeAnswer {
  status: number;
  contentType: string;
  /** Where a redirect would lead. */
  location: string;
  text: string;
  /** When the last byte arrived, in milliseconds since 1970. */
  ts: number;
}

/** The answer's body. @throws AddonError notJson, naming what it is instead */
export function parseBody({ status, contentType, text }: ExchangeAnswer): JsonValue {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as JsonValue;
  } catch (error) {
    const kind = contentType || 'no content type';
    const start = text.trim().slice(0, 80);
    throw new AddonError(
      'notJson',
      `the answer (${status}, ${kind}) is not JSON: ${start || 'it is empty'}`,
      {
        hint: 'does this path answer with JSON?',
        cause: error,
      },
    );
  }
}
