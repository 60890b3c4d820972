/**
 * The last known value of everything a device has told, battery and link quality among them. Written to the disk now and
 * then: it may be lost, the readings themselves are in the gateway's store.
 */
import { join } from 'node:path';
import { type AddonLog, type Clock, isJsonObject, type JsonObject } from '@gate/addon-sdk';
import { readDurably, setAside, writeDurably } from '../network/durable-file.ts';

const SAVE_EVERY_MS = 5 * 60_000;

export class LastStates {
  readonly #path: string;
  readonly #log: AddonLog;
  readonly #clock: Clock;
  readonly #states = new Map<string, JsonObject>();
  #cancelSave: (() => void) | undefined;

  constructor({ folder, log, clock }: { folder: string; log: AddonLog; clock: Clock }) {
    this.#path = join(folder, 'last-states.json');
    this.#log = log;
    this.#clock = clock;
  }

  load(): void {
    try {
      const kept = readDurably(
        this.#path,
        (text) => JSON.parse(text) as unknown,
        (message) => this.#log.error(message),
      );
      if (!isJsonObject(kept)) return;
      for (const [ieee, state] of Object.entries(kept))
        if (isJsonObject(state)) this.#states.set(ieee, state);
    } catch (error) {
      this.#log.error('the last states of the devices could not be read: they begin anew', error);
      // in their way nothing could be written
      setAside(this.#path);
    }
  }

  of(ieeeAddress: string): JsonObject {
    return this.#states.get(ieeeAddress) ?? {};
  }

  merge(ieeeAddress: string, payload: JsonObject): void {
    this.#states.set(ieeeAddress, { ...this.of(ieeeAddress), ...payload });
    this.#cancelSave ??= this.#clock.after(SAVE_EVERY_MS, () => this.save());
  }

  forget(ieeeAddress: string): void {
    this.#states.delete(ieeeAddress);
  }

  save(): void {
    if (!this.#cancelSave) return;
    this.#cancelSave();
    this.#cancelSave = undefined;
    try {
      writeDurably(this.#path, JSON.stringify(Object.fromEntries(this.#states)));
    } catch (error) {
      this.#log.error('the last states of the devices could not be written', error);
    }
  }
}
