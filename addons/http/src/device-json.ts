/**
 * JSON of devices, which is not to be trusted: what JSON.parse would let through in silence is refused with the reason.
 *
 * A key twice in one object is refused (RFC 8259, 4: which of the values is meant is not known), and so is `__proto__`,
 * which some reader of the readings may take for more than a name, and what is nested deeper than DEPTH_MAX.
 */
import { AddonError, type JsonValue } from '@gate/addon-sdk';

export const DEPTH_MAX = 64;
const KEY_SHOWN_MAX_CHARS = 80;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const NO_NUMBER = /[:[,]\s*[-+]?(NaN|nan|Infinity|inf)\b/;

/** @throws SyntaxError for what is not JSON; AddonError unusableJson */
export function parseDeviceJson(text: string): JsonValue {
  const value = JSON.parse(text) as JsonValue;
  checkKeys(text);
  return value;
}

/** What a text that is not JSON holds where a number should be: `NaN`, `Infinity`. */
export function noNumberIn(text: string): string | undefined {
  return NO_NUMBER.exec(text)?.[1];
}

/** Walks a text that is known to be JSON. */
function checkKeys(text: string): void {
  const outer: (Set<string> | undefined)[] = [];
  let keys: Set<string> | undefined;
  let isKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at);
        if (keys && isKey) addKey(keys, text.slice(at, end + 1));
        isKey = false;
        at = end;
        break;
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (outer.length === DEPTH_MAX) throw unusable(`it is nested deeper than ${DEPTH_MAX} levels`);
        outer.push(keys);
        isKey = text.charCodeAt(at) === OPEN_OBJECT;
        keys = isKey ? new Set() : undefined;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        keys = outer.pop();
        isKey = false;
        break;
      case COMMA:
        isKey = keys !== undefined;
        break;
    }
  }
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

function addKey(keys: Set<string>, quoted: string): void {
  const key: string = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
  if (key === '__proto__') throw unusable('it has a key "__proto__"');
  if (keys.has(key))
    throw unusable(`it has the key "${key.slice(0, KEY_SHOWN_MAX_CHARS)}" twice in one object`);
  keys.add(key);
}

function unusable(why: string): AddonError {
  return new AddonError('unusableJson', `the answer cannot be used: ${why}`, {
    hint: "this is a fault of the device's firmware: is there a newer one? another path may do",
  });
}
