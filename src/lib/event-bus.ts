/**
 * A typed publish/subscribe map, in process and synchronous. A listener that throws harms neither
 * the emitter nor the other listeners: its error goes to `onListenerError`.
 */
export type Listener<T> = (fact: T) => void;
export type Dispose = () => void;

export class EventBus<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<Listener<never>>>();
  readonly #onListenerError: (event: keyof Events, error: unknown) => void;

  constructor(onListenerError: (event: keyof Events, error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  /** Calls `listener` for every later `event`; the returned function ends that. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): Dispose {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    listeners.add(listener as Listener<never>);
    return () => listeners.delete(listener as Listener<never>);
  }

  emit<K extends keyof Events>(event: K, fact: Events[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as Listener<Events[K]>)(fact);
      } catch (error) {
        this.#onListenerError(event, error);
      }
    }
  }
}
