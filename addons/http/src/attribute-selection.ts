/** What of a generic device's answer becomes its reading: named values, each found by its path. */
import { AddonError, isJsonObject, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { type AttributePath, parseAttributePath, valueAt } from './attribute-path.ts';

export const ATTRIBUTES_MAX = 200;
const NAME = /^[^.[\]"'\s\p{C}]{1,64}$/u;
const UNIT_MAX_CHARS = 32;
/** RFC 8259, 6, in a text. */
const NUMBER = /^\s*-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?\s*$/;

interface Attribute {
  name: string;
  path: AttributePath;
  /** A text that is a number becomes one; what is none (`NaN`, `n/a`) is left out. */
  asNumber: boolean;
}

export class AttributeSelection {
  readonly #attributes: readonly Attribute[];

  private constructor(attributes: readonly Attribute[]) {
    this.#attributes = attributes;
  }

  /** `[{name, path, unit?, number?}]`; undefined where there is none. @throws AddonError badRequest */
  static parse(value: JsonValue | undefined): AttributeSelection | undefined {
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value) || value.length === 0 || value.length > ATTRIBUTES_MAX) {
      throw bad(`"attributes" must be a list of 1 to ${ATTRIBUTES_MAX}`);
    }
    const attributes = value.map(parseAttribute);
    const names = new Set(attributes.map(({ name }) => name));
    if (names.size < attributes.length) throw bad('"attributes" has a name twice');
    return new AttributeSelection(attributes);
  }

  /** What was found; what is not in the answer is left out. @throws AddonError nothingFound */
  of(answer: JsonValue): JsonObject {
    const found: JsonObject = {};
    for (const { name, path, asNumber } of this.#attributes) {
      const value = valueAt(answer, path);
      const taken = asNumber ? numberIn(value) : value;
      if (taken !== undefined) found[name] = taken;
    }
    if (Object.keys(found).length > 0) return found;
    throw new AddonError('nothingFound', 'the answer has none of the values that "attributes" names', {
      hint: 'compare the paths with what the device answers',
    });
  }
}

function parseAttribute(value: JsonValue): Attribute {
  const { name, path, unit = '', number = false } = isJsonObject(value) ? value : {};
  if (typeof name !== 'string' || !NAME.test(name) || name === '__proto__') {
    throw bad('an attribute\'s "name" has 1 to 64 characters, without spaces, dots, brackets and quotes');
  }
  if (typeof unit !== 'string' || unit.length > UNIT_MAX_CHARS)
    throw bad(`the unit of "${name}" must be a text`);
  if (typeof number !== 'boolean') throw bad(`"number" of "${name}" must be true or false`);
  return { name, path: parseAttributePath(path), asNumber: number };
}

function numberIn(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || !NUMBER.test(value)) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

function bad(message: string): AddonError {
  return new AddonError('badRequest', message);
}
