/**
 * Names of devices to addresses. The system's resolver works on few threads, and a DNS server that is silent holds one
 * for seconds: so a name is asked for once at a time, an answer is good for FRESH_MS, and while there is no new one the
 * last one goes on counting. Addresses are no names: they never come here to wait.
 */
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '@gate/addon-sdk';

export const FRESH_MS = 60_000;
/** A name that is known is not waited for longer. */
const PATIENCE_MS = 1_000;
/** As many as there are devices at most: the oldest goes. */
const NAMES_MAX = 10_000;

export type Resolve = (name: string) => Promise<LookupAddress[]>;

const resolveBySystem: Resolve = (name) =>
  process.getBuiltinModule('node:dns').promises.lookup(name, { all: true });

export class NameLookup {
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #known = new Map<string, { addresses: LookupAddress[]; atMs: number }>();
  readonly #asked = new Map<string, Promise<LookupAddress[]>>();

  constructor(clock: Clock, resolve = resolveBySystem) {
    this.#clock = clock;
    this.#resolve = resolve;
  }

  /** For `net.connect`. */
  readonly lookup: LookupFunction = (name, { family = 0, all = false }, callback) => {
    this.#addresses(name).then(
      (addresses) => {
        const wanted = addresses.filter(
          (each) => family === 0 || each.family === Number(String(family).slice(-1)),
        );
        const [first] = wanted;
        if (!first) return callback(Object.assign(new Error('no address'), { code: 'ENOTFOUND' }), []);
        if (all) callback(null, wanted);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };

  async #addresses(name: string): Promise<LookupAddress[]> {
    const known = this.#known.get(name);
    if (known && this.#clock.uptime() - known.atMs < FRESH_MS) return known.addresses;
    const asked = this.#asked.get(name) ?? this.#ask(name);
    if (!known) return asked;
    let callOff = () => {};
    const patience = new Promise<LookupAddress[]>((resolve) => {
      callOff = this.#clock.after(PATIENCE_MS, () => resolve(known.addresses));
    });
    return Promise.race([asked.catch(() => known.addresses), patience]).finally(callOff);
  }

  #ask(name: string): Promise<LookupAddress[]> {
    const asked = this.#resolve(name)
      .then((addresses) => {
        this.#known.delete(name);
        this.#known.set(name, { addresses, atMs: this.#clock.uptime() });
        const [oldest] = this.#known.keys();
        if (this.#known.size > NAMES_MAX && oldest !== undefined) this.#known.delete(oldest);
        return addresses;
      })
      .finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }
}
