/** One command to a device: sent, and how it ended. Commands of one control follow each other; the last wins. */
import { api, request } from '../../api/client.ts';
import type { JsonObject } from '../../api/json.ts';

export class Command {
  readonly #deviceId: string;
  #busy = $state(false);
  #error = $state.raw<unknown>();
  #next: JsonObject | undefined;

  constructor(deviceId: string) {
    this.#deviceId = deviceId;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Why the last one failed. */
  get error(): unknown {
    return this.#error;
  }

  /** Sends it, after the one under way; what waits meanwhile gives way to what is newer. */
  async set(values: JsonObject): Promise<void> {
    if (this.#busy) {
      this.#next = values;
      return;
    }
    this.#busy = true;
    try {
      for (let wanted: JsonObject | undefined = values; wanted; ) {
        this.#next = undefined;
        await this.#send(wanted);
        wanted = this.#next;
      }
    } finally {
      this.#busy = false;
    }
  }

  async #send(body: JsonObject): Promise<void> {
    // the same for the call that a log-in comes in between: it is done once
    const header = { 'Idempotency-Key': newKey() };
    const params = { path: { deviceId: this.#deviceId }, header };
    try {
      await request(() => api.POST('/device/v1/control/{deviceId}/set', { params, body }));
      this.#error = undefined;
    } catch (error) {
      this.#error = error;
    }
  }
}

/** 128 random bits; without `randomUUID`, which a browser has over https alone. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join('-');
}
