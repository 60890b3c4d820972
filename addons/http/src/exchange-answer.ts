/** What a device answered, and what can be read out of it. */
import { AddonError, type JsonValue } from '@gate/addon-sdk';
import { noNumberIn, parseDeviceJson } from './device-json.ts';
import { refusal } from './http-failure.ts';

export interface ExchangeAnswer {
  status: number;
  contentType: string;
  /** Where a redirect would lead. */
  location: string;
  /** The schemes by which the device wants a log-in: the values of `WWW-Authenticate`. */
  challenges: readonly string[];
  text: string;
  /** When its head arrived, in milliseconds since 1970: the device had measured by then. */
  ts: number;
}

/** The answer's body. @throws AddonError notJson, naming what it is instead; unusableJson */
export function parseBody({ status, contentType, text }: Omit<ExchangeAnswer, 'challenges'>): JsonValue {
  try {
    return parseDeviceJson(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    if (error instanceof AddonError) throw error;
    const kind = contentType || 'no content type';
    const start = text.trim().slice(0, 80);
    const noNumber = noNumberIn(text);
    const why = noNumber ? `it holds ${noNumber}, which JSON does not have: ` : '';
    throw new AddonError(
      'notJson',
      `the answer (${status}, ${kind}) is not JSON: ${why}${start || 'it is empty'}`,
      {
        hint: 'does this path answer with JSON?',
        cause: error,
      },
    );
  }
}

/** The body of an answer that must be one of success. @throws AddonError refused, notJson, unusableJson */
export function bodyOf(answer: ExchangeAnswer): JsonValue {
  if (!isSuccess(answer)) throw refusal('refused', answer);
  return parseBody(answer);
}

/** The body as JSON where it is some, else as the text that it is. */
export function jsonOrText(answer: ExchangeAnswer): JsonValue {
  try {
    return parseBody(answer);
  } catch {
    return answer.text;
  }
}

export function isSuccess({ status }: Pick<ExchangeAnswer, 'status'>): boolean {
  return status >= 200 && status < 300;
}
