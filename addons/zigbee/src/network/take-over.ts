/**
 * A person's word that what a stick holds may be lost, and what is done before it is: the network that the stick belonged
 * to is read from it and saved in a file of its own (mode 0600: its key is in it), from which it can be put back.
 *
 * What cannot be saved is not given up, unless the word says that too. A start that fails is tried again on the same word,
 * and finds what the attempt before has left on the stick: that takes no second file.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AddonLog, Clock } from '@gate/addon-sdk';
import { backupText, type CoordinatorBackup } from './backup-text.ts';
import { writeDurably } from './durable-file.ts';
import { withoutKeys } from './library-log.ts';
import { RadioTrouble } from './radio-trouble.ts';
import { demandWhole } from './stored-backup.ts';

/** For so long the word counts: it is meant for the stick that is plugged in now. */
const WORD_MS = 2 * 60_000;
/** A Z-Stack stick with tables of 50 devices is asked 240 times, with 200 840 times: some 10 ms each on a serial line. */
const READ_DEADLINE_MS = 30_000;
/** So many networks of others are kept; then the oldest goes. */
const SAVED_MAX = 10;
const SAVED_NAME = /^taken-over-.+\.json$/;

/** The name of the file in the add-on's folder, or why there is none. */
export type Saved = { saved: string; devices: number } | { saved: null; reason: string };

export interface TakeOverParts {
  /** The add-on's own folder. */
  folder: string;
  log: AddonLog;
  clock: Clock;
  /** What cannot be saved may be lost too. */
  unsaved: boolean;
}

export class TakeOver {
  readonly #parts: TakeOverParts;
  /** Addresses of the sticks whose network is saved. */
  readonly #done = new Set<string>();
  #endsMs: number;
  #givenUp = false;
  #outcome: Saved = {
    saved: null,
    reason: 'the stick held no network but this gateway’s own: there was nothing to save',
  };

  constructor(parts: TakeOverParts) {
    this.#parts = parts;
    this.#endsMs = parts.clock.uptime() + WORD_MS;
  }

  /** The word still counts. */
  get counts(): boolean {
    return this.#parts.clock.uptime() < this.#endsMs;
  }

  get outcome(): Saved {
    return this.#outcome;
  }

  /**
   * Before another network is overwritten.
   * @param read reads it from the stick. @throws RadioTrouble foreignNetwork, where it cannot be saved and is not given up
   */
  async save(read: () => Promise<CoordinatorBackup>): Promise<void> {
    if (this.#givenUp) return;
    try {
      const held = await this.#inTime(read);
      const stick = held.coordinatorIeeeAddress.toString('hex');
      if (this.#done.has(stick)) return;
      const saved = this.#write(held);
      this.#done.add(stick);
      this.#outcome = { saved, devices: held.devices.length };
      this.#parts.log.info(`the network that the stick held is saved as ${saved}`);
    } catch (error) {
      this.#giveUp(whyNot(error));
    }
  }

  #giveUp(why: string): void {
    const { log, unsaved } = this.#parts;
    if (!unsaved) {
      this.#endsMs = 0;
      throw new RadioTrouble(
        'foreignNetwork',
        `the stick belongs to another network, which could not be saved (${why}); nothing was changed on it`,
        'run the action "takeOverStick" again; with {"unsaved": true} it gives that network up for good',
      );
    }
    this.#givenUp = true;
    this.#outcome = { saved: null, reason: `the network that the stick held could not be saved: ${why}` };
    log.error(`the network that the stick held could not be saved, and is given up: ${why}`);
  }

  #inTime(read: () => Promise<CoordinatorBackup>): Promise<CoordinatorBackup> {
    const late = Promise.withResolvers<never>();
    const cancel = this.#parts.clock.after(READ_DEADLINE_MS, () =>
      late.reject(new Error(`it was not read within ${READ_DEADLINE_MS / 1_000} s`)),
    );
    // one that is late is for nobody: Promise.race has taken its failure already
    return Promise.race([read(), late.promise]).finally(cancel);
  }

  /** @returns the file's name */
  #write(held: CoordinatorBackup): string {
    const { folder, clock } = this.#parts;
    const text = backupText(held);
    demandWhole(text);
    const name = `taken-over-${new Date(clock.now()).toISOString().replaceAll(':', '-')}.json`;
    writeDurably(join(folder, name), text);
    // by their names, and never this one: the clock may have been ahead
    const others = readdirSync(folder).filter((each) => SAVED_NAME.test(each) && each !== name);
    for (const old of others.toSorted().slice(0, Math.max(0, others.length - (SAVED_MAX - 1))))
      rmSync(join(folder, old), { recursive: true, force: true });
    return name;
  }
}

/** In words that a person may read: no key, and nothing of the library's inside. */
function whyNot(error: unknown): string {
  // the library takes for granted that each table is there
  if (error instanceof TypeError) return 'its memory does not hold all that belongs to a network';
  return withoutKeys((error as Error).message);
}
