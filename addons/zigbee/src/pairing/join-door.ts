/** The door of the network: open while a pairing waits for its device, and where Touchlink fetches a lamp from. */
import type { AddonLog, Clock } from '@gate/addon-sdk';
import type { Radio } from '../network/radio.ts';
import { hasRoom } from '../stick/stick-capacity.ts';
import { JoinWindow } from './join-window.ts';
import { networkFull, nothingJoined } from './pairing-failure.ts';
import type { PairingList } from './pairing-list.ts';
import { touchlinkReset } from './touchlink-reset.ts';
import { joinRefused, type Waiting } from './waiting-pairing.ts';

/** What joins by itself needs no lamp to be looked for. */
const TOUCHLINK_AFTER_MS = 2_000;
/** Between two looks whether it is known by now whose something is that joined in time. */
const LOOK_AGAIN_MS = 250;

export interface JoinDoorParts {
  radio: Radio;
  list: PairingList;
  log: AddonLog;
  clock: Clock;
}

export class JoinDoor {
  readonly #parts: JoinDoorParts;
  readonly #window: JoinWindow;
  #touchlinking: Promise<void> | undefined;

  constructor(parts: JoinDoorParts) {
    this.#parts = parts;
    this.#window = new JoinWindow(parts.clock);
  }

  /** The radio is away from its channel, looking for lamps, until this resolves. */
  get touchlinking(): Promise<void> | undefined {
    return this.#touchlinking;
  }

  /** Until the pairing's window ends: then it fails. */
  async openFor(waiting: Waiting): Promise<void> {
    const { clock, radio, list } = this.#parts;
    const afterMs = (ms: number, task: () => void) =>
      waiting.cancelTimers.push(clock.after(Math.max(0, ms), task));
    afterMs(waiting.windowEndsMs - clock.uptime(), () => void this.#windowEnded(waiting));
    try {
      await this.#window.set(radio.controller, waiting.windowEndsMs);
    } catch (error) {
      list.fail(waiting, joinRefused(error));
      return;
    }
    if (!list.isUnderWay(waiting)) return;
    const { touchlink = waiting.type?.pairingMethods?.includes('touchlink') ?? false } = waiting.wishes;
    if (!touchlink) return;
    const waitMs = waiting.wishes.touchlink === true ? 0 : TOUCHLINK_AFTER_MS;
    afterMs(waitMs, () => void this.#touchlink(waiting));
  }

  /** Closes it when nobody waits any more. */
  sync(): void {
    const { radio, list, log } = this.#parts;
    if (!radio.isUp) return;
    const ends = list.expecting().map(({ windowEndsMs }) => windowEndsMs);
    this.#window
      .set(radio.controller, Math.max(0, ...ends))
      .catch((error: Error) => log.error(`joining could not be closed: ${error.message}`));
  }

  /** The coordinator is another one, or is gone. */
  forget(): void {
    this.#window.forget();
  }

  async #touchlink(waiting: Waiting): Promise<void> {
    const { radio, list, log } = this.#parts;
    if (!radio.isUp) return;
    const { controller } = radio;
    const isWanted = () => list.isUnderWay(waiting) && waiting.ieeeAddress === undefined;
    const others = [...controller.getDevicesIterator()].map(({ ieeeAddr }) => ieeeAddr);
    const only = waiting.wishes.ieeeAddress;
    waiting.touchlinkTried = true;
    const work = this.#window
      .exclusively(() => touchlinkReset(controller, { others, only, isWanted }))
      .then(
        () => undefined,
        (error: Error) => log.info(`Touchlink did not work: ${error.message}`),
      );
    this.#touchlinking = work;
    await work;
    if (this.#touchlinking === work) this.#touchlinking = undefined;
  }

  async #windowEnded(waiting: Waiting): Promise<void> {
    const { radio, list } = this.#parts;
    if (waiting.ieeeAddress !== undefined || !list.isUnderWay(waiting)) return;
    if (list.hasUndecided) {
      waiting.cancelTimers.push(
        this.#parts.clock.after(LOOK_AGAIN_MS, () => void this.#windowEnded(waiting)),
      );
      return;
    }
    const full = !waiting.excuse && radio.isUp && !(await hasRoom(radio.controller).catch(() => true));
    const { touchlinkTried, wishes } = waiting;
    const withInstallCode = wishes.installCode !== undefined;
    const nothing = () => nothingJoined({ seconds: wishes.joinSeconds, touchlinkTried, withInstallCode });
    list.fail(waiting, waiting.excuse ?? (full ? networkFull() : nothing()));
  }
}
