/**
 * The pairings that are under way: each waits for its device, then for that device's interview, and ends once, as paired
 * or with the reason. Its progress is told here, and nowhere else.
 */
import type { Addon, Clock } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import { stepReached } from './interview-step.ts';
import { interviewFailed, leftDuringPairing, PairingFailure } from './pairing-failure.ts';
import type { Waiting, ZigbeeAddress } from './waiting-pairing.ts';

export interface PairingListParts {
  gate: Pick<Addon, 'event'>;
  clock: Clock;
  /** How long an interview may take, in milliseconds. */
  interviewMs: () => number;
  /** What the network knows of a device. */
  deviceAt: (ieeeAddress: string) => Models.Device | undefined;
  /** Somebody waits more, or less: the network is opened and closed by it. */
  onChange: () => void;
}

export class PairingList {
  readonly #parts: PairingListParts;
  readonly #waiting = new Map<string, Waiting>();
  /** Devices that joined for a pairing that failed later: the next attempt needs no reset. By gate device. */
  readonly #leftOver = new Map<string, string>();
  /** Devices that joined while several waited: whose each is will be seen from its model. How their time is cancelled. */
  readonly #undecided = new Map<string, () => void>();

  constructor(parts: PairingListParts) {
    this.#parts = parts;
  }

  add(waiting: Waiting): void {
    this.#waiting.set(waiting.deviceId, waiting);
  }

  of(deviceId: string): Waiting | undefined {
    return this.#waiting.get(deviceId);
  }

  all(): Waiting[] {
    return [...this.#waiting.values()];
  }

  /** Those that have no device yet. */
  open(): Waiting[] {
    return this.all().filter(({ ieeeAddress }) => ieeeAddress === undefined);
  }

  /** Those whose device may join still. */
  expecting(): Waiting[] {
    return this.all().filter(({ ieeeAddress, mayJoinAgain }) => ieeeAddress === undefined || mayJoinAgain);
  }

  /** It has not ended meanwhile. */
  isUnderWay(waiting: Waiting): boolean {
    return this.#waiting.get(waiting.deviceId) === waiting;
  }

  /** The device that joined for this one's last attempt. */
  leftOverOf(deviceId: string): string | undefined {
    return this.#leftOver.get(deviceId);
  }

  /** It may be for any of those that have no device yet, until its interview ends: no longer than one may take. */
  undecided(ieeeAddress: string): void {
    const { clock, interviewMs } = this.#parts;
    this.decided(ieeeAddress);
    this.#undecided.set(
      ieeeAddress,
      clock.after(interviewMs(), () => {
        this.decided(ieeeAddress);
        this.blame(ieeeAddress, (waiting) => this.#interviewLate(waiting, ieeeAddress));
      }),
    );
  }

  /** @returns whether it was in question till now */
  decided(ieeeAddress: string): boolean {
    this.#undecided.get(ieeeAddress)?.();
    return this.#undecided.delete(ieeeAddress);
  }

  /** Something has joined of which nobody knows yet whose it is: whoever waits may still be given it. */
  get hasUndecided(): boolean {
    return this.#undecided.size > 0;
  }

  /** This device is its own. From here on the time of its interview counts, `leastMs` or what the settings say. */
  attribute(waiting: Waiting, ieeeAddress: string, leastMs = 0): void {
    const { clock, interviewMs, onChange } = this.#parts;
    waiting.ieeeAddress = ieeeAddress;
    this.#leftOver.set(waiting.deviceId, ieeeAddress);
    this.tell('joined', waiting.deviceId, ieeeAddress);
    this.#cancelTimers(waiting);
    waiting.cancelTimers.push(
      clock.after(Math.max(leastMs, interviewMs()), () =>
        this.fail(waiting, this.#interviewLate(waiting, ieeeAddress)),
      ),
    );
    onChange();
  }

  /** The device turned out to be another one's: this one goes on waiting. */
  giveBack(waiting: Waiting): void {
    delete waiting.ieeeAddress;
    this.#leftOver.delete(waiting.deviceId);
    this.#cancelTimers(waiting);
  }

  tell(type: string, deviceId: string, ieeeAddress: string): void {
    this.#parts.gate.event({ type, deviceId, ieeeAddress });
  }

  /** To the pairing that has the device. */
  progress(ieeeAddress: string, type: string): void {
    for (const waiting of this.all()) {
      if (waiting.ieeeAddress === ieeeAddress) this.tell(type, waiting.deviceId, ieeeAddress);
    }
  }

  /** Ends the pairing that has the device; where several might be meant, it is what each of them fails with in the end. */
  blame(ieeeAddress: string, failure: PairingFailure | ((waiting: Waiting) => PairingFailure)): void {
    const of = (waiting: Waiting) => (typeof failure === 'function' ? failure(waiting) : failure);
    for (const waiting of this.all()) {
      if (waiting.ieeeAddress === ieeeAddress) this.fail(waiting, of(waiting));
      else if (waiting.ieeeAddress === undefined) waiting.excuse ??= of(waiting);
    }
  }

  left(ieeeAddress: string): void {
    if (this.decided(ieeeAddress)) this.blame(ieeeAddress, leftDuringPairing(ieeeAddress));
    for (const [deviceId, ieee] of this.#leftOver) if (ieee === ieeeAddress) this.#leftOver.delete(deviceId);
    for (const waiting of this.all()) {
      if (waiting.ieeeAddress === ieeeAddress) this.fail(waiting, leftDuringPairing(ieeeAddress));
    }
  }

  succeed(waiting: Waiting, address: ZigbeeAddress): void {
    if (!this.isUnderWay(waiting)) return;
    this.#end(waiting);
    this.#leftOver.delete(waiting.deviceId);
    this.tell('configured', waiting.deviceId, address.ieeeAddress);
    waiting.settle.resolve(address);
  }

  fail(waiting: Waiting, failure: Error): void {
    if (!this.isUnderWay(waiting)) return;
    this.#end(waiting);
    if (failure instanceof PairingFailure && failure.code !== 'cancelled') {
      const { code, message, hint } = failure;
      const reason = { code, message, ...(hint ? { hint } : {}) };
      this.#parts.gate.event({ type: 'failed', deviceId: waiting.deviceId, reason });
    }
    waiting.settle.reject(failure);
  }

  failAll(failure: PairingFailure): void {
    for (const ieeeAddress of [...this.#undecided.keys()]) this.decided(ieeeAddress);
    for (const waiting of this.all()) this.fail(waiting, failure);
  }

  #interviewLate(waiting: Waiting, ieeeAddress: string): PairingFailure {
    const device = this.#parts.deviceAt(ieeeAddress);
    const step = device ? stepReached(device) : 'nodeDescriptor';
    return interviewFailed(step, ieeeAddress, waiting.wishes.installCode !== undefined);
  }

  #end(waiting: Waiting): void {
    this.#cancelTimers(waiting);
    this.#waiting.delete(waiting.deviceId);
    this.#parts.onChange();
  }

  #cancelTimers(waiting: Waiting): void {
    for (const cancel of waiting.cancelTimers.splice(0)) cancel();
  }
}
