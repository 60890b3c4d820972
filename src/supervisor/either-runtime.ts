/** Each add-on in what it was installed as: a container, or a process. */
import type { AddonPackage } from '../core/protocols/protocols.ts';
import type { AddonRuntime, AddonSpec, RunningAddon } from './runtime.ts';

export class EitherRuntime implements AddonRuntime {
  readonly #processes: AddonRuntime;
  readonly #containers: AddonRuntime;

  constructor(parts: { processes: AddonRuntime; containers: AddonRuntime }) {
    this.#processes = parts.processes;
    this.#containers = parts.containers;
  }

  refusal(addon: AddonPackage): string | undefined {
    return this.#of(addon).refusal(addon);
  }

  start(spec: AddonSpec, signal: AbortSignal): Promise<RunningAddon> {
    return this.#of(spec.addon).start(spec, signal);
  }

  #of({ container }: AddonPackage): AddonRuntime {
    return container ? this.#containers : this.#processes;
  }
}
