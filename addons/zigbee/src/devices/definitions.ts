/**
 * What the converters know of a device's model. The library is loaded at the first device, and of its definitions only
 * those of the makers that are there: all of them would be another 100 MB.
 */
import type { AddonLog } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import type { Definition, Expose } from 'zigbee-herdsman-converters';
import { libraryLog } from '../network/library-log.ts';
import { typeIdOf } from '../type-id.ts';

export type { Definition, Expose } from 'zigbee-herdsman-converters';
export type Converters = typeof import('zigbee-herdsman-converters');

export interface KnownModel {
  definition: Definition;
  /** Ids of the types that a device of this model answers to: its own and those of its white labels. */
  typeIds: ReadonlySet<string>;
  /** False where no definition fits and one was made up from what the device says of itself. */
  isSupported: boolean;
}

interface Found {
  /** What the finding was made from: a device that tells more of itself is looked up again. */
  from: string;
  model: Promise<KnownModel | undefined>;
}

export class Definitions {
  readonly #log: AddonLog;
  readonly #onLoad: () => void;
  readonly #makers = new Set<string>();
  readonly #found = new Map<string, Found>();
  #library: Promise<Converters> | undefined;

  /** @param onLoad told when something was loaded that was not there before: the library, a maker's definitions */
  constructor(log: AddonLog, onLoad: () => void) {
    this.#log = log;
    this.#onLoad = onLoad;
  }

  library(): Promise<Converters> {
    this.#library ??= import('zigbee-herdsman-converters').then((library) => {
      library.setLogger(libraryLog(this.#log));
      return library;
    });
    return this.#library;
  }

  /** Undefined for a device that says too little of itself. */
  of(device: Models.Device): Promise<KnownModel | undefined> {
    const { ieeeAddr, modelID, manufacturerName, interviewState, softwareBuildID, endpoints } = device;
    const from = JSON.stringify([
      modelID,
      manufacturerName,
      interviewState,
      softwareBuildID,
      endpoints.length,
    ]);
    const before = this.#found.get(ieeeAddr);
    if (before?.from === from) return before.model;
    const model = this.#find(device);
    this.#found.set(ieeeAddr, { from, model });
    model.catch(() => this.#found.delete(ieeeAddr));
    return model;
  }

  forget(ieeeAddress: string): void {
    this.#found.delete(ieeeAddress);
  }

  async #find(device: Models.Device): Promise<KnownModel | undefined> {
    const library = await this.library();
    const base = await library.findDefinition(device);
    const definition = await library.findByDevice(device, true);
    if (!definition) return undefined;
    if (!this.#makers.has(definition.vendor)) {
      this.#makers.add(definition.vendor);
      this.#onLoad();
    }
    const names: [manufacturer: string, model: string][] = [[definition.vendor, definition.model]];
    if (base) {
      names.push([base.vendor, base.model]);
      for (const label of base.whiteLabel ?? []) names.push([label.vendor ?? base.vendor, label.model]);
    }
    const typeIds = new Set(names.map(([manufacturer, model]) => typeIdOf(manufacturer, model)));
    return { definition, typeIds, isSupported: base !== undefined };
  }
}

/** What a device of this definition exposes just now. */
export function exposesOf({ definition }: KnownModel, device: Models.Device, options: object = {}): Expose[] {
  const { exposes } = definition;
  return typeof exposes === 'function' ? exposes(device, { ...options }) : exposes;
}

/** The model in words: maker, model and what it is. */
export function nameOf({ definition: { vendor, model, description } }: KnownModel): string {
  return `${vendor} ${model} (${description})`;
}
