/**
 * The scopes of what is measured, or broken, just now, ended also on Ctrl-C: processes and folders go, then the program
 * with 130. Several may be open at once.
 */
import { Scope } from './scope.ts';

export class Interruptible {
  readonly #open = new Set<Scope>();
  #isInterrupted = false;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (this.#isInterrupted) return;
        this.#isInterrupted = true;
        console.log(`\n${signal}: cleaning up`);
        const ends = [...this.#open].map((scope) => scope.end());
        void Promise.allSettled(ends).finally(() => process.exit(130));
      });
    }
  }

  /** Runs something in a scope of its own, which is over when this is. @throws what it throws */
  async within<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
    // begun after an interruption, it would outlive the clean-up
    if (this.#isInterrupted) await forEver();
    const scope = new Scope();
    this.#open.add(scope);
    try {
      const done = await work(scope);
      await this.#end(scope);
      return done;
    } catch (error) {
      // what cannot be cleaned away after a failure is its consequence, and hides it from nobody
      await this.#end(scope).catch((consequence: unknown) => console.error(consequence));
      throw error;
    }
  }

  async #end(scope: Scope): Promise<void> {
    // after an interruption everything fails: that is no news, and the clean-up ends the process
    if (this.#isInterrupted) await forEver();
    await scope.end();
    this.#open.delete(scope);
  }
}

const forEver = () => new Promise<never>(() => undefined);

/** Those that were asked for by name, all of them where none was. Ends the program with 2 for a name that there is not. */
export function chosenOf<T extends { name: string }>(kind: string, all: readonly T[], asked: string[]): T[] {
  const names = all.map(({ name }) => name);
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`there is no ${kind} ${unknown.join(', ')}: there are ${names.join(', ')}`);
    process.exit(2);
  }
  return all.filter(({ name }) => asked.length === 0 || asked.includes(name));
}
