/**
 * Pairings: what joins is matched with what was asked for. Several may wait at once; a device goes to the pairing that
 * wants its model. One that nobody wants stays in the network, bound to nothing, and is told of; every pairing that fails
 * says why and what to do.
 */
import type { Addon, AddonLog, Clock, JsonObject } from '@gate/addon-sdk';
import type { Controller, Models } from 'zigbee-herdsman';
import { type Definitions, type KnownModel, nameOf } from '../devices/definitions.ts';
import type { Radio } from '../network/radio.ts';
import { hasRoom } from '../stick/stick-capacity.ts';
import { catalogueType } from '../type-file.ts';
import { ANY_DEVICE_TYPE, typeIdOf } from '../type-id.ts';
import { stepReached } from './interview-step.ts';
import { JoinWindow } from './join-window.ts';
import {
  alreadyPaired,
  interviewFailed,
  leftDuringPairing,
  networkFull,
  nothingJoined,
  PairingFailure,
  unsupportedModel,
  wrongModel,
} from './pairing-failure.ts';
import { parseWishes } from './pairing-parameters.ts';
import { prepareDevice } from './prepare-device.ts';
import { touchlinkReset } from './touchlink-reset.ts';
import {
  addInstallCode,
  isMeantFor,
  joinRefused,
  type Waiting,
  type ZigbeeAddress,
} from './waiting-pairing.ts';

/** Less than the gateway waits, so that the reason told is ours. */
const MARGIN_MS = 800;
const TOUCHLINK_AFTER_MS = 2_000;

export interface PairingDeskParts {
  radio: Radio;
  definitions: Definitions;
  gate: Pick<Addon, 'event'>;
  log: AddonLog;
  clock: Clock;
  /** The gate device that a device of the network is bound to. */
  ownerOf: (ieeeAddress: string) => string | undefined;
  /** How long an interview may take, in milliseconds. */
  interviewMs: () => number;
  optionsOf: (deviceId: string) => JsonObject;
}

export class PairingDesk {
  readonly #parts: PairingDeskParts;
  readonly #window: JoinWindow;
  readonly #waiting = new Map<string, Waiting>();
  /** The radio is away from its channel, looking for lamps. */
  #touchlinking: Promise<void> | undefined;
  /** Devices that joined for a pairing that failed later: the next attempt needs no reset. By gate device. */
  readonly #leftOver = new Map<string, string>();

  constructor(parts: PairingDeskParts) {
    this.#parts = parts;
    this.#window = new JoinWindow(parts.clock);
  }

  /** @throws PairingFailure; AddonError badRequest */
  async pair(request: { deviceId: string; params: JsonObject; signal: AbortSignal }): Promise<ZigbeeAddress> {
    const { deviceId, params, signal } = request;
    const wishes = parseWishes(params);
    const typeId = typeof params['type'] === 'string' ? params['type'] : ANY_DEVICE_TYPE;
    const { controller } = this.#parts.radio;
    const owner = wishes.ieeeAddress === undefined ? undefined : this.#parts.ownerOf(wishes.ieeeAddress);
    if (wishes.ieeeAddress !== undefined && owner !== undefined && owner !== deviceId) {
      throw alreadyPaired(wishes.ieeeAddress, owner);
    }
    const { promise, ...settle } = Promise.withResolvers<ZigbeeAddress>();
    const waiting: Waiting = {
      deviceId,
      typeId,
      type: undefined,
      wishes,
      touchlinkTried: false,
      windowEndsMs: this.#parts.clock.uptime() + wishes.joinSeconds * 1000 - MARGIN_MS,
      cancelTimers: [],
      settle,
    };
    // from here on it can be cancelled
    this.#waiting.set(deviceId, waiting);
    signal.addEventListener('abort', () => this.cancel(deviceId), { once: true });
    void this.#begin(waiting, controller).catch((error: Error) => this.#fail(waiting, error));
    return promise;
  }

  async #begin(waiting: Waiting, controller: Controller): Promise<void> {
    const { installCode } = waiting.wishes;
    if (installCode !== undefined) await addInstallCode(controller, installCode);
    waiting.type = await catalogueType(waiting.typeId);
    if (this.#waiting.get(waiting.deviceId) !== waiting) return;
    if (!this.#takeUpKnown(waiting, controller)) await this.#openFor(waiting, controller);
  }

  isPairing(deviceId: string): boolean {
    return this.#waiting.has(deviceId);
  }

  /** Nobody waits for this pairing any more. */
  cancel(deviceId: string): void {
    const waiting = this.#waiting.get(deviceId);
    if (waiting) {
      this.#fail(waiting, new PairingFailure('cancelled', 'the pairing was cancelled', 'begin it again'));
    }
  }

  /** Events of the network, while the coordinator is up. */
  attach(controller: Controller): void {
    this.#window.forget();
    controller.on('deviceJoined', ({ device }) => this.#joined(device));
    controller.on('deviceInterview', ({ device, status }) => {
      if (status === 'started') this.#progress(device.ieeeAddr, 'interviewing');
      else void this.#interviewed(device, status === 'successful');
    });
    // a device that the library knows joins again without a word from it but these
    controller.on('deviceAnnounce', ({ device }) => this.#cameBack(device));
    controller.on('lastSeenChanged', ({ device, reason }) => {
      if (reason === 'deviceJoined') this.#cameBack(device);
    });
    controller.on('deviceLeave', ({ ieeeAddr }) => this.#left(ieeeAddr));
  }

  /** The coordinator is gone. */
  coordinatorLost(why: string): void {
    this.#window.forget();
    for (const waiting of [...this.#waiting.values()]) {
      this.#fail(
        waiting,
        new PairingFailure(
          'coordinatorNotReady',
          `the coordinator went away during the pairing: ${why}`,
          'see to the coordinator, then pair it again',
        ),
      );
    }
  }

  /** Devices in the network that belong to no device of the gateway. */
  unclaimed(controller: Controller): Models.Device[] {
    const { ownerOf } = this.#parts;
    return [
      ...controller.getDevicesIterator(
        ({ type, ieeeAddr }) => type !== 'Coordinator' && ownerOf(ieeeAddr) === undefined,
      ),
    ];
  }

  /** A device that is in the network already, left over or named, is taken without a join. */
  #takeUpKnown(waiting: Waiting, controller: Controller): boolean {
    const { deviceId, wishes } = waiting;
    const ieee = wishes.ieeeAddress ?? this.#leftOver.get(deviceId);
    const device = ieee === undefined ? undefined : controller.getDeviceByIeeeAddr(ieee);
    // one that is ours already and is paired again was reset: it has to join
    if (!device || this.#parts.ownerOf(device.ieeeAddr) !== undefined) return false;
    this.#attribute(waiting, device.ieeeAddr);
    if (device.interviewState === 'SUCCESSFUL') void this.#interviewed(device, true);
    else this.#interview(device);
    return true;
  }

  /** Asks a device again what it is. */
  #interview(device: Models.Device): void {
    this.#progress(device.ieeeAddr, 'interviewing');
    void device.interview().then(
      () => this.#interviewed(device, true),
      () => this.#interviewed(device, false),
    );
  }

  async #openFor(waiting: Waiting, controller: Controller): Promise<void> {
    const { clock } = this.#parts;
    const afterMs = (ms: number, task: () => void) =>
      waiting.cancelTimers.push(clock.after(Math.max(0, ms), task));
    afterMs(waiting.windowEndsMs - clock.uptime(), () => void this.#windowEnded(waiting, controller));
    try {
      await this.#window.set(controller, waiting.windowEndsMs);
    } catch (error) {
      this.#fail(waiting, joinRefused(error));
      return;
    }
    const { touchlink = waiting.type?.pairingMethods?.includes('touchlink') ?? false } = waiting.wishes;
    if (touchlink) {
      afterMs(
        waiting.wishes.touchlink === true ? 0 : TOUCHLINK_AFTER_MS,
        () => void this.#touchlink(waiting, controller),
      );
    }
  }

  async #touchlink(waiting: Waiting, controller: Controller): Promise<void> {
    const isWanted = () =>
      this.#waiting.get(waiting.deviceId) === waiting && waiting.ieeeAddress === undefined;
    const others = [...controller.getDevicesIterator()].map(({ ieeeAddr }) => ieeeAddr);
    const only = waiting.wishes.ieeeAddress;
    waiting.touchlinkTried = true;
    const work = this.#window
      .exclusively(() => touchlinkReset(controller, { others, only, isWanted }))
      .then(
        () => undefined,
        (error: Error) => this.#parts.log.info(`Touchlink did not work: ${error.message}`),
      );
    this.#touchlinking = work;
    await work;
    if (this.#touchlinking === work) this.#touchlinking = undefined;
  }

  async #windowEnded(waiting: Waiting, controller: Controller): Promise<void> {
    if (waiting.ieeeAddress !== undefined || this.#waiting.get(waiting.deviceId) !== waiting) return;
    const { joinSeconds } = waiting.wishes;
    const full = !waiting.excuse && !(await hasRoom(controller).catch(() => true));
    const failure =
      waiting.excuse ?? (full ? networkFull() : nothingJoined(joinSeconds, waiting.touchlinkTried));
    this.#fail(waiting, failure);
  }

  #joined(device: Models.Device): void {
    const { ieeeAddr } = device;
    const open = [...this.#waiting.values()].filter((waiting) => waiting.ieeeAddress === undefined);
    const named = open.find(({ wishes }) => isMeantFor(wishes, ieeeAddr));
    const free = open.filter(
      ({ wishes }) => wishes.ieeeAddress === undefined && wishes.installCode === undefined,
    );
    const waiting = named ?? (free.length === 1 ? free[0] : undefined);
    if (waiting) this.#attribute(waiting, ieeeAddr);
    // whose it is will be seen from its model; until then each of them has something to wait for
    else
      for (const { deviceId } of free)
        this.#parts.gate.event({ type: 'joined', deviceId, ieeeAddress: ieeeAddr });
  }

  /** From here on the time of its interview counts. */
  #attribute(waiting: Waiting, ieeeAddress: string): void {
    const { clock, gate, interviewMs } = this.#parts;
    waiting.ieeeAddress = ieeeAddress;
    this.#leftOver.set(waiting.deviceId, ieeeAddress);
    gate.event({ type: 'joined', deviceId: waiting.deviceId, ieeeAddress });
    for (const cancel of waiting.cancelTimers.splice(0)) cancel();
    waiting.cancelTimers.push(clock.after(interviewMs(), () => this.#interviewLate(waiting, ieeeAddress)));
    this.#syncWindow();
  }

  #interviewLate(waiting: Waiting, ieeeAddress: string): void {
    const device = this.#device(ieeeAddress);
    this.#fail(waiting, interviewFailed(device ? stepReached(device) : 'nodeDescriptor', ieeeAddress));
  }

  #device(ieeeAddress: string): Models.Device | undefined {
    return this.#parts.radio.isUp ? this.#parts.radio.controller.getDeviceByIeeeAddr(ieeeAddress) : undefined;
  }

  #progress(ieeeAddress: string, type: string): void {
    for (const { deviceId, ieeeAddress: theirs } of this.#waiting.values()) {
      if (theirs === ieeeAddress) this.#parts.gate.event({ type, deviceId, ieeeAddress });
    }
  }

  #cameBack(device: Models.Device): void {
    if (device.interviewState !== 'SUCCESSFUL' || device.type === 'Coordinator') return;
    const owner = this.#parts.ownerOf(device.ieeeAddr);
    const waits = (waiting: Waiting) => waiting.ieeeAddress === undefined;
    if (owner !== undefined && !this.#waiting.has(owner)) {
      const excuse = alreadyPaired(device.ieeeAddr, owner);
      void this.#wanting(device).then(({ matching }) => {
        for (const waiting of matching.filter(waits)) waiting.excuse ??= excuse;
      });
      return;
    }
    if ([...this.#waiting.values()].some(waits)) void this.#interviewed(device, true);
  }

  /** What the device is, and the pairings that want such a one, the one that has it first. */
  async #wanting(device: Models.Device): Promise<{ model: KnownModel | undefined; matching: Waiting[] }> {
    const model = await this.#parts.definitions.of(device);
    const { ieeeAddr } = device;
    const matching = [...this.#waiting.values()].filter(
      ({ typeId, wishes, ieeeAddress }) =>
        (ieeeAddress === undefined || ieeeAddress === ieeeAddr) &&
        (wishes.ieeeAddress ?? ieeeAddr) === ieeeAddr &&
        (typeId === ANY_DEVICE_TYPE
          ? model !== undefined
          : model?.isSupported === true && model.typeIds.has(typeId)),
    );
    const rank = ({ ieeeAddress, typeId }: Waiting) =>
      ieeeAddress === ieeeAddr ? 0 : typeId === ANY_DEVICE_TYPE ? 2 : 1;
    return { model, matching: matching.sort((one, other) => rank(one) - rank(other)) };
  }

  async #interviewed(device: Models.Device, successful: boolean): Promise<void> {
    const { ieeeAddr } = device;
    if (!successful && this.#touchlinking) {
      // a lamp that was reset joins at once, while the radio is still away from its channel: it was never asked
      await this.#touchlinking;
      this.#interview(device);
      return;
    }
    if (!successful) {
      this.#blame(ieeeAddr, interviewFailed(stepReached(device), ieeeAddr));
      return;
    }
    const { model, matching } = await this.#wanting(device);
    const [waiting] = matching;
    if (waiting && model) {
      if (waiting.ieeeAddress !== ieeeAddr) this.#attribute(waiting, ieeeAddr);
      this.#release(ieeeAddr, waiting);
      await this.#prepare(waiting, device, model);
      return;
    }
    const maker = device.manufacturerName ?? 'unknown';
    if (!model?.isSupported) {
      this.#blame(ieeeAddr, unsupportedModel(device.modelID ?? '', maker, ieeeAddr));
      return;
    }
    const { vendor, model: name } = model.definition;
    this.#blame(ieeeAddr, (waited) =>
      wrongModel(
        nameOf(model),
        typeIdOf(vendor, name),
        waited.type ? `${waited.type.manufacturer} ${waited.type.model}` : 'device',
        ieeeAddr,
      ),
    );
  }

  /** Another pairing was thought to be its own: that one goes on waiting. */
  #release(ieeeAddress: string, winner: Waiting): void {
    for (const waiting of this.#waiting.values()) {
      if (waiting === winner || waiting.ieeeAddress !== ieeeAddress) continue;
      delete waiting.ieeeAddress;
      this.#leftOver.delete(waiting.deviceId);
      void this.#openFor(waiting, this.#parts.radio.controller);
    }
  }

  /** Ends the pairing that has the device; where several might be meant, it is what each of them fails with in the end. */
  #blame(ieeeAddress: string, failure: PairingFailure | ((waiting: Waiting) => PairingFailure)): void {
    const of = (waiting: Waiting) => (typeof failure === 'function' ? failure(waiting) : failure);
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.ieeeAddress === ieeeAddress) this.#fail(waiting, of(waiting));
      else if (waiting.ieeeAddress === undefined) waiting.excuse ??= of(waiting);
    }
  }

  async #prepare(waiting: Waiting, device: Models.Device, model: KnownModel): Promise<void> {
    const { definitions, gate, log, radio, optionsOf } = this.#parts;
    const { deviceId } = waiting;
    const { ieeeAddr: ieeeAddress } = device;
    gate.event({ type: 'configuring', deviceId, ieeeAddress });
    try {
      await prepareDevice({
        device,
        model,
        controller: radio.controller,
        definitions,
        options: optionsOf(deviceId),
        log,
      });
    } catch (error) {
      this.#fail(waiting, error as Error);
      return;
    }
    if (this.#waiting.get(deviceId) !== waiting) return;
    this.#forget(waiting);
    this.#leftOver.delete(deviceId);
    gate.event({ type: 'configured', deviceId, ieeeAddress });
    const { vendor: manufacturer, model: name } = model.definition;
    waiting.settle.resolve({
      ieeeAddress,
      manufacturer,
      model: name,
      ...(device.modelID ? { modelId: device.modelID } : {}),
    });
  }

  #left(ieeeAddress: string): void {
    for (const [deviceId, ieee] of this.#leftOver) if (ieee === ieeeAddress) this.#leftOver.delete(deviceId);
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.ieeeAddress === ieeeAddress) this.#fail(waiting, leftDuringPairing(ieeeAddress));
    }
  }

  #fail(waiting: Waiting, failure: Error): void {
    if (this.#waiting.get(waiting.deviceId) !== waiting) return;
    this.#forget(waiting);
    const { deviceId } = waiting;
    if (failure instanceof PairingFailure && failure.code !== 'cancelled') {
      const { code, message, hint } = failure;
      this.#parts.gate.event({
        type: 'failed',
        deviceId,
        reason: { code, message, ...(hint ? { hint } : {}) },
      });
    }
    waiting.settle.reject(failure);
  }

  #forget(waiting: Waiting): void {
    for (const cancel of waiting.cancelTimers.splice(0)) cancel();
    this.#waiting.delete(waiting.deviceId);
    this.#syncWindow();
  }

  /** Open for as long as somebody waits for a device to join. */
  #syncWindow(): void {
    if (!this.#parts.radio.isUp) return;
    const ends = [...this.#waiting.values()]
      .filter(({ ieeeAddress }) => ieeeAddress === undefined)
      .map(({ windowEndsMs }) => windowEndsMs);
    this.#window
      .set(this.#parts.radio.controller, Math.max(0, ...ends))
      .catch((error: Error) => this.#parts.log.error(`joining could not be closed: ${error.message}`));
  }
}
