/**
 * What somebody has begun with a button: one at a time, under way until the gateway has answered, and what it said where it
 * refused.
 */
import { ApiError, type FieldError } from '../api/api-error.ts';
import { t } from '../text/language.svelte.ts';
import { NotJsonError } from './fields.ts';

export class Attempt {
  /** Under way. */
  busy = $state(false);
  /** How the last one failed, for `ErrorNote`. */
  error = $state.raw<unknown>();
  #wrong = $state.raw<readonly FieldError[]>([]);

  /** What of the form is wrong, field by field. */
  get wrong(): readonly FieldError[] {
    return this.#wrong;
  }

  wrongOf(name: string): string | undefined {
    return this.#wrong.find(({ field }) => field === name)?.message;
  }

  /** A second one while the first is under way is not begun. Never rejects. */
  async run(work: () => Promise<unknown>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.error = undefined;
    this.#wrong = [];
    try {
      await work();
    } catch (thrown) {
      if (thrown instanceof NotJsonError) {
        // said at the field, and there is no more to it
        this.#wrong = [{ field: thrown.field, message: t('form.notJson') }];
        return;
      }
      this.error = thrown;
      if (thrown instanceof ApiError) this.#wrong = thrown.errors;
    } finally {
      this.busy = false;
    }
  }
}
