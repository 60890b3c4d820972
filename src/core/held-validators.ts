/**
 * Compiled JSON Schemas, held for a while: whoever creates hundreds of devices would else have a validator compiled for
 * each, with the meta-schema of the draft before it. They are let go HELD_MS after their last use, for they weigh megabytes.
 */
import type { Ajv2020, ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonObject } from '../model/json.ts';

export const HELD_MS = 10_000;

export class HeldValidators {
  #ajv: Ajv2020 | undefined;
  #validators = new WeakMap<JsonObject, ValidateFunction<JsonObject>>();
  #letGo: NodeJS.Timeout | undefined;

  /** Fills in defaults as it validates. @throws Error for a schema that is none */
  async of(schema: JsonObject): Promise<ValidateFunction<JsonObject>> {
    this.#holdALittle();
    const known = this.#validators.get(schema);
    if (known) return known;
    // loaded at its first use: most starts never need it, and it weighs some megabytes
    const { Ajv2020: Validator } = (await import('ajv/dist/2020.js')).default;
    this.#ajv ??= new Validator({ useDefaults: true, allErrors: true, strict: false });
    const validate = this.#ajv.compile<JsonObject>(schema);
    // schemas may share an `$id`, and are no longer known than those who hold them
    this.#ajv.removeSchema(schema);
    this.#validators.set(schema, validate);
    return validate;
  }

  #holdALittle(): void {
    clearTimeout(this.#letGo);
    this.#letGo = setTimeout(() => {
      this.#ajv = undefined;
      this.#validators = new WeakMap();
    }, HELD_MS);
    this.#letGo.unref();
  }
}
