/**
 * What comes into the network: matched with what was asked for, asked what it is, set up. One that nobody wants stays in
 * the network, bound to nothing, and is told of.
 */
import type { AddonLog, JsonObject } from '@gate/addon-sdk';
import type { Models } from 'zigbee-herdsman';
import { type Definitions, type KnownModel, nameOf } from '../devices/definitions.ts';
import type { Radio } from '../network/radio.ts';
import { ANY_DEVICE_TYPE, typeIdOf } from '../type-id.ts';
import { stepReached, tellsNoModel } from './interview-step.ts';
import { Interviews, SILENCE_ENDS_MS } from './interviews.ts';
import type { JoinDoor } from './join-door.ts';
import { alreadyPaired, interviewFailed, unsupportedModel, wrongModel } from './pairing-failure.ts';
import type { PairingList } from './pairing-list.ts';
import { prepareDevice } from './prepare-device.ts';
import { isMeantFor, type Waiting } from './waiting-pairing.ts';

export interface NewcomersParts {
  list: PairingList;
  door: JoinDoor;
  radio: Radio;
  definitions: Definitions;
  log: AddonLog;
  /** The gate device that a device of the network is bound to. */
  ownerOf: (ieeeAddress: string) => string | undefined;
  optionsOf: (deviceId: string) => JsonObject;
}

export class Newcomers {
  readonly #parts: NewcomersParts;
  readonly #interviews: Interviews;

  constructor(parts: NewcomersParts) {
    this.#parts = parts;
    const { list, log } = parts;
    this.#interviews = new Interviews({
      log,
      isWanted: (device) =>
        !this.#isOfBefore(device) && list.all().some(({ ieeeAddress }) => ieeeAddress === device.ieeeAddr),
      onEnd: (device, successful) => void this.#interviewed(device, successful),
    });
  }

  joined({ ieeeAddr }: Models.Device): void {
    const { list } = this.#parts;
    // one of ours that was reset: whoever waits for another one goes on waiting
    if (this.#isAnothers(ieeeAddr)) return;
    const open = list.open();
    const named = open.find(({ wishes }) => isMeantFor(wishes, ieeeAddr));
    const free = open.filter(
      ({ wishes }) => wishes.ieeeAddress === undefined && wishes.installCode === undefined,
    );
    const waiting = named ?? (free.length === 1 ? free[0] : undefined);
    if (waiting) list.attribute(waiting, ieeeAddr);
    else if (free.length > 0) {
      // whose it is will be seen from its model; until then each of them has something to wait for
      list.undecided(ieeeAddr);
      for (const { deviceId } of free) list.tell('joined', deviceId, ieeeAddr);
    }
  }

  /** A device that the library knows joins again without a word but that it is there. */
  cameBack(device: Models.Device): void {
    if (device.interviewState !== 'SUCCESSFUL' || device.type === 'Coordinator') return;
    const { list } = this.#parts;
    if (list.open().length > 0) void this.#interviewed(device, true);
  }

  /** It belongs to a device of the gateway that is not being paired just now: nobody else is given it. */
  #isAnothers(ieeeAddress: string): boolean {
    const owner = this.#parts.ownerOf(ieeeAddress);
    return owner !== undefined && this.#parts.list.of(owner) === undefined;
  }

  /** Those who wait for such a one are told whose it is, should nothing else come. */
  async #excuse(device: Models.Device): Promise<void> {
    const owner = this.#parts.ownerOf(device.ieeeAddr);
    if (owner === undefined) return;
    const excuse = alreadyPaired(device.ieeeAddr, owner);
    const { matching } = await this.#wanting(device);
    for (const waiting of matching) if (waiting.ieeeAddress === undefined) waiting.excuse ??= excuse;
  }

  /** A device that is in the network already is wanted: it need not join again. */
  take(waiting: Waiting, device: Models.Device): void {
    const { list } = this.#parts;
    list.attribute(waiting, device.ieeeAddr, this.#interviews.isRunning(device) ? SILENCE_ENDS_MS : 0);
    if (device.interviewState === 'SUCCESSFUL' && !tellsNoModel(device)) void this.#interviewed(device, true);
    else this.#interview(device);
  }

  /** The library asks a device that has joined. */
  interviewBegun(device: Models.Device): void {
    this.#interviews.begun(device);
    this.#parts.list.progress(device.ieeeAddr, 'interviewing');
  }

  interviewEnded(device: Models.Device, successful: boolean): void {
    this.#interviews.ended(device, successful);
  }

  #interview(device: Models.Device): void {
    this.#parts.list.progress(device.ieeeAddr, 'interviewing');
    this.#interviews.ask(device);
  }

  async #interviewed(device: Models.Device, successful: boolean): Promise<void> {
    const { list, door } = this.#parts;
    const { ieeeAddr } = device;
    if (this.#isOfBefore(device)) return;
    if (this.#isAnothers(ieeeAddr)) {
      if (successful) await this.#excuse(device);
      return;
    }
    if (!successful && door.touchlinking) {
      // a lamp that was reset joins at once, while the radio is still away from its channel: it was never asked
      await door.touchlinking;
      this.#interview(device);
      return;
    }
    if (!successful) {
      list.decided(ieeeAddr);
      list.blame(ieeeAddr, ({ wishes }) =>
        interviewFailed(stepReached(device), ieeeAddr, wishes.installCode !== undefined),
      );
      return;
    }
    const { model, matching } = await this.#wanting(device);
    list.decided(ieeeAddr);
    const [waiting] = matching;
    if (!waiting || !model) {
      this.#turnAway(device, model);
      return;
    }
    if (waiting.ieeeAddress !== ieeeAddr) list.attribute(waiting, ieeeAddr);
    this.#release(ieeeAddr, waiting);
    await this.#prepare(waiting, device, model);
  }

  /** The coordinator was started anew since, and knows the device by another object. */
  #isOfBefore(device: Models.Device): boolean {
    const { radio } = this.#parts;
    if (!radio.isUp) return true;
    const known = radio.controller.getDeviceByIeeeAddr(device.ieeeAddr);
    return known !== undefined && known !== device;
  }

  /** What the device is, and the pairings that want such a one: the one that has it first, its owner's before others. */
  async #wanting(device: Models.Device): Promise<{ model: KnownModel | undefined; matching: Waiting[] }> {
    const { definitions, list } = this.#parts;
    const model = await definitions.of(device);
    const { ieeeAddr } = device;
    const matching = list
      .all()
      .filter(
        ({ typeId, wishes, ieeeAddress }) =>
          (ieeeAddress === undefined || ieeeAddress === ieeeAddr) &&
          (wishes.ieeeAddress ?? ieeeAddr) === ieeeAddr &&
          (typeId === ANY_DEVICE_TYPE
            ? model !== undefined
            : model?.isSupported === true && model.typeIds.has(typeId)),
      );
    const owner = this.#parts.ownerOf(ieeeAddr);
    const rank = ({ deviceId, ieeeAddress, typeId }: Waiting) => {
      if (ieeeAddress === ieeeAddr || deviceId === owner) return 0;
      return typeId === ANY_DEVICE_TYPE ? 2 : 1;
    };
    return { model, matching: matching.sort((one, other) => rank(one) - rank(other)) };
  }

  /** Nobody asked for such a one. */
  #turnAway(device: Models.Device, model: KnownModel | undefined): void {
    const { list } = this.#parts;
    const { ieeeAddr, modelID = '', manufacturerName = 'unknown' } = device;
    if (!model?.isSupported && tellsNoModel(device)) {
      // the library takes an interview for done though none of this was answered
      list.blame(ieeeAddr, interviewFailed('basicRead', ieeeAddr, false));
      return;
    }
    if (!model?.isSupported) {
      list.blame(ieeeAddr, unsupportedModel(modelID, manufacturerName, ieeeAddr));
      return;
    }
    const { vendor, model: name } = model.definition;
    list.blame(ieeeAddr, ({ type }) => {
      const wanted = type ? `${type.manufacturer} ${type.model}` : 'device';
      return wrongModel(nameOf(model), typeIdOf(vendor, name), wanted, ieeeAddr);
    });
  }

  /** Another pairing was thought to be its own: that one goes on waiting. */
  #release(ieeeAddress: string, winner: Waiting): void {
    const { list, door } = this.#parts;
    for (const waiting of list.all()) {
      if (waiting === winner || waiting.ieeeAddress !== ieeeAddress) continue;
      list.giveBack(waiting);
      void door.openFor(waiting);
    }
  }

  async #prepare(waiting: Waiting, device: Models.Device, model: KnownModel): Promise<void> {
    const { list, definitions, log, radio, optionsOf } = this.#parts;
    const { deviceId } = waiting;
    if (waiting.isPreparing) return;
    waiting.isPreparing = true;
    const { ieeeAddr: ieeeAddress, modelID: modelId } = device;
    list.tell('configuring', deviceId, ieeeAddress);
    try {
      const { controller } = radio;
      const options = optionsOf(deviceId);
      await prepareDevice({ device, model, controller, definitions, options, log });
    } catch (error) {
      list.fail(waiting, error as Error);
      return;
    }
    const { vendor: manufacturer, model: name } = model.definition;
    list.succeed(waiting, { ieeeAddress, manufacturer, model: name, ...(modelId ? { modelId } : {}) });
  }
}
