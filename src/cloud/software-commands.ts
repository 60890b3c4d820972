/**
 * What the cloud asks of gate's own software. How an update ends is told once, also where the broker delivers the
 * command again: what runs already is told as done, and what is under way is not begun a second time.
 */
import type { GatewayEventBus } from '../core/events.ts';
import type { SoftwareUpdates } from '../core/upkeep/software-updates.ts';
import type { JsonValue } from '../model/json.ts';
import { messageOf, updateSoftwareSchema } from './messages.ts';
import type { CloudReports } from './reports.ts';

export interface SoftwareCommandsParts {
  updates: Pick<SoftwareUpdates, 'update' | 'view'>;
  reports: Pick<CloudReports, 'runsAlready'>;
  events: GatewayEventBus;
  /** What runs here. */
  version: string;
}

interface Asked {
  version: string;
  handedOver: Promise<void>;
  /** When the update before it ended: it has ended itself once there is a later one. */
  lastEndedAt: number | undefined;
}

export class SoftwareCommands {
  readonly #parts: SoftwareCommandsParts;
  /** The release that was asked for last: it is being fetched, or was handed to the updater. */
  #asked: Asked | undefined;

  constructor(parts: SoftwareCommandsParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the release is with the updater; the end is told as a report and a notification.
   * @throws GatewayError; the refusal is told as these two as well
   */
  async update(value: JsonValue, demandInTime: (deadline?: number) => void): Promise<void> {
    const { reports, events } = this.#parts;
    const { newSoftwareId, deadline } = messageOf(updateSoftwareSchema, value);
    const version = newSoftwareId.slice(newSoftwareId.indexOf(':') + 1);
    if (version === this.#parts.version) return reports.runsAlready(version);
    const underWay = this.#underWay(version);
    // whoever asked first is told if it comes to nothing
    if (underWay) return underWay.catch(() => undefined);
    try {
      demandInTime(deadline);
      await this.#hand(version);
    } catch (error) {
      events.emit('updateEnded', { of: 'gate', version, failure: (error as Error).message });
      throw error;
    }
  }

  async #hand(version: string): Promise<void> {
    const { updates } = this.#parts;
    const lastEndedAt = updates.view().last?.ts;
    const handedOver = updates.update({ version });
    const before = this.#asked;
    const asked = { version, handedOver, lastEndedAt };
    this.#asked = asked;
    try {
      await handedOver;
    } catch (error) {
      // it came to nothing: perhaps the one before is under way
      if (this.#asked === asked) this.#asked = before;
      throw error;
    }
  }

  /** What brings this very version already. */
  #underWay(version: string): Promise<void> | undefined {
    const view = this.#parts.updates.view();
    const isOpen = this.#asked?.version === version && this.#asked.lastEndedAt === view.last?.ts;
    const asked = isOpen ? this.#asked : undefined;
    if (view.state === 'fetching') return asked?.handedOver;
    // the updater knows the version once it has checked the archive
    if (view.state !== 'underWay' || (view.to ?? asked?.version) !== version) return undefined;
    return asked?.handedOver ?? Promise.resolve();
  }
}
