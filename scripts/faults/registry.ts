/**
 * Changes of the registry, and what must be there after them: what was answered has been done, what was not answered
 * may have been, and nothing else happened.
 */
import type { LocalApi } from '../../test/support/local-api.ts';
import type { Random } from './random.ts';
import { demand } from './scenario.ts';

const DEVICES = '/device/v1/devices';
/** Devices of its own that it keeps about. */
const KEPT = 12;

interface DeviceView {
  id: string;
  name: string;
}

export class RegistryModel {
  /** Names that each device may have by its id; undefined: it may be gone. */
  readonly #devices = new Map<string, (string | undefined)[]>();
  /** Created without an answer: they may be there. */
  #unanswered = new Set<string>();
  readonly #foreign = new Set<string>();
  readonly #random: Random;
  #named = 0;
  changes = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What is there before it begins is not its own. */
  async begin(api: LocalApi): Promise<void> {
    for (const { id } of await api.get<DeviceView[]>(DEVICES)) this.#foreign.add(id);
  }

  /** One change after the other, until the daemon does not answer any more, or for so many. */
  async disturb(api: LocalApi, changes = Number.POSITIVE_INFINITY): Promise<void> {
    try {
      for (let change = 0; change < changes; change += 1) await this.#change(api);
    } catch (error) {
      // answered with an error: that is none of a daemon that is gone
      if (/was answered/.test(String(error))) throw error;
    }
  }

  /** @throws FaultFound */
  async check(api: LocalApi): Promise<void> {
    const there = new Map((await api.get<DeviceView[]>(DEVICES)).map(({ id, name }) => [id, name]));
    for (const id of this.#foreign) demand(there.has(id), `device ${id} is gone from the registry`);
    for (const [id, names] of this.#devices) {
      const name = there.get(id);
      demand(names.includes(name), `device ${id} is ${name ?? 'gone'}, and should be ${names.join(' or ')}`);
      if (name === undefined) this.#devices.delete(id);
      else this.#devices.set(id, [name]);
    }
    for (const [id, name] of there) {
      if (this.#foreign.has(id) || this.#devices.has(id)) continue;
      demand(this.#unanswered.has(name), `device ${id} (${name}) was never asked for`);
      this.#devices.set(id, [name]);
    }
    this.#unanswered = new Set();
  }

  async #change(api: LocalApi): Promise<void> {
    const ids = [...this.#devices.keys()];
    this.changes += 1;
    const name = `r${++this.#named}`;
    if (ids.length < KEPT) {
      this.#unanswered.add(name);
      const { id } = await api.send<DeviceView>('POST', DEVICES, {
        name,
        isVirtual: true,
        demoActive: false,
        frequency: 86_400,
      });
      this.#unanswered.delete(name);
      this.#devices.set(id, [name]);
      return;
    }
    const id = this.#random.pick(ids);
    const before = this.#devices.get(id)?.[0];
    if (this.#random.next() < 0.4) {
      this.#devices.set(id, [before, undefined]);
      await api.send('DELETE', `${DEVICES}/${id}`);
      this.#devices.delete(id);
    } else {
      this.#devices.set(id, [before, name]);
      await api.send('PATCH', `${DEVICES}/${id}`, { name });
      this.#devices.set(id, [name]);
    }
  }
}
