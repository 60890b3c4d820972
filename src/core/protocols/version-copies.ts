/** Copies of add-ons of others that ran, to go back to when a new version fails. */

import type { AddonShelf } from '../ports.ts';
import type { AddonPackage } from './addon-package.ts';
import type { Protocols } from './protocols.ts';

export interface VersionCopiesParts {
  protocols: Protocols;
  shelf: AddonShelf;
  onTrouble: (message: string, error: unknown) => void;
}

export class VersionCopies {
  readonly #parts: VersionCopiesParts;
  readonly #kept = new WeakSet<AddonPackage>();

  constructor(parts: VersionCopiesParts) {
    this.#parts = parts;
  }

  /** Once for each form of it that ran. Waits for nothing. */
  keep(slug: string): void {
    const { protocols, shelf, onTrouble } = this.#parts;
    const addon = protocols.package(slug);
    if (this.#kept.has(addon)) return;
    this.#kept.add(addon);
    shelf.keep(addon).catch((error) => onTrouble(`no copy of add-on "${slug}" is kept to go back to`, error));
  }

  /** Puts the version that ran in place of the one that failed. Nothing happens where none is kept. */
  async goBack(slug: string, before: AddonPackage, reason: string): Promise<void> {
    const { protocols, shelf } = this.#parts;
    const failed = protocols.package(slug).manifest.version;
    const restored = await shelf.restore(before);
    if (!restored) return;
    const { version } = restored.addon.manifest;
    protocols.setPhase(slug, {
      status: 'installed',
      reason: `the update to ${failed} failed: ${reason}; ${version} is back, and what failed lies in ${restored.aside}`,
    });
    protocols.replace(restored.addon);
  }

  /** Waits for nothing. */
  forget(slug: string): void {
    const { shelf, onTrouble } = this.#parts;
    shelf
      .forget(slug)
      .catch((error) => onTrouble(`the copy of add-on "${slug}" could not be deleted`, error));
  }
}
