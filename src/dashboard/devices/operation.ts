/** What was begun and answers later: asked for until its answer is there. */
import { ApiError } from '../api/api-error.ts';
import { fetchAs } from '../api/client.ts';
import { isJsonObject, type JsonValue } from '../api/json.ts';

const FIRST_AFTER_MS = 150;
const EVERY_MS_MAX = 1_000;
/** Where nothing else is said: the gateway gives a device 20 s. */
const WITHIN_MS = 30_000;

/**
 * The result at `location`, as `Location` of a 202 has it.
 * @throws ApiError: what went wrong with it, in the gateway's words; or it was not done in time
 */
export async function fetchOperation(location: string, withinMs = WITHIN_MS): Promise<JsonValue> {
  const until = Date.now() + withinMs;
  for (let wait = FIRST_AFTER_MS; Date.now() < until; wait = Math.min(wait * 1.5, EVERY_MS_MAX)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    const response = await fetchAs(new URL(location, globalThis.location.origin).href).catch((thrown) => {
      throw ApiError.unanswered(thrown);
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw ApiError.from(response, body);
    if (response.status === 202 || !isJsonObject(body)) continue;
    const failed = body['error'];
    if (isJsonObject(failed)) {
      const { code, message, hint } = failed;
      throw new ApiError({
        status: response.status,
        code: String(code),
        message: String(message),
        hint: typeof hint === 'string' ? hint : undefined,
      });
    }
    return (body['response'] ?? null) as JsonValue;
  }
  throw new ApiError({ status: 0, code: 'noAnswer', message: '' });
}
