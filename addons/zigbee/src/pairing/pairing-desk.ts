/**
 * Pairings as the gateway asks for them. Several may wait at once; a device goes to the pairing that wants its model; every
 * pairing that fails says why and what to do.
 */
import type { Addon, AddonLog, Clock, JsonObject } from '@gate/addon-sdk';
import type { Controller, Models } from 'zigbee-herdsman';
import type { Definitions } from '../devices/definitions.ts';
import type { Radio } from '../network/radio.ts';
import { catalogueType } from '../type-file.ts';
import { ANY_DEVICE_TYPE } from '../type-id.ts';
import { JoinDoor } from './join-door.ts';
import { Newcomers } from './newcomers.ts';
import { alreadyPaired, PairingFailure } from './pairing-failure.ts';
import { PairingList } from './pairing-list.ts';
import { parseWishes } from './pairing-parameters.ts';
import { addInstallCode, type Waiting, type ZigbeeAddress } from './waiting-pairing.ts';

/** Less than the gateway waits, so that the reason told is ours. */
const MARGIN_MS = 800;

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
  readonly #list: PairingList;
  readonly #door: JoinDoor;
  readonly #newcomers: Newcomers;

  constructor(parts: PairingDeskParts) {
    this.#parts = parts;
    const { radio, log, clock, gate, interviewMs } = parts;
    const deviceAt = (ieee: string) => (radio.isUp ? radio.controller.getDeviceByIeeeAddr(ieee) : undefined);
    const onChange = () => this.#door.sync();
    this.#list = new PairingList({ gate, clock, interviewMs, deviceAt, onChange });
    this.#door = new JoinDoor({ radio, list: this.#list, log, clock });
    this.#newcomers = new Newcomers({ ...parts, list: this.#list, door: this.#door });
  }

  /** @throws PairingFailure; AddonError badRequest */
  async pair(request: { deviceId: string; params: JsonObject; signal: AbortSignal }): Promise<ZigbeeAddress> {
    const { deviceId, params, signal } = request;
    const { radio, clock, ownerOf } = this.#parts;
    const wishes = parseWishes(params);
    const typeId = typeof params['type'] === 'string' ? params['type'] : ANY_DEVICE_TYPE;
    const { controller } = radio;
    const owner = wishes.ieeeAddress === undefined ? undefined : ownerOf(wishes.ieeeAddress);
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
      windowEndsMs: clock.uptime() + wishes.joinSeconds * 1000 - MARGIN_MS,
      cancelTimers: [],
      settle,
    };
    // from here on it can be cancelled
    this.#list.add(waiting);
    signal.addEventListener('abort', () => this.cancel(deviceId), { once: true });
    void this.#begin(waiting, controller).catch((error: Error) => this.#list.fail(waiting, error));
    return promise;
  }

  isPairing(deviceId: string): boolean {
    return this.#list.of(deviceId) !== undefined;
  }

  /** Nobody waits for this pairing any more. */
  cancel(deviceId: string): void {
    const waiting = this.#list.of(deviceId);
    if (!waiting) return;
    this.#list.fail(waiting, new PairingFailure('cancelled', 'the pairing was cancelled', 'begin it again'));
  }

  /** Events of the network, while the coordinator is up. */
  attach(controller: Controller): void {
    const newcomers = this.#newcomers;
    this.#door.forget();
    controller.on('deviceJoined', ({ device }) => newcomers.joined(device));
    controller.on('deviceInterview', ({ device, status }) => {
      if (status === 'started') newcomers.interviewBegun(device);
      else newcomers.interviewEnded(device, status === 'successful');
    });
    controller.on('deviceAnnounce', ({ device }) => newcomers.cameBack(device));
    controller.on('lastSeenChanged', ({ device, reason }) => {
      if (reason === 'deviceJoined') newcomers.cameBack(device);
    });
    controller.on('deviceLeave', ({ ieeeAddr }) => this.#list.left(ieeeAddr));
  }

  /** The coordinator is gone. */
  coordinatorLost(why: string): void {
    this.#door.forget();
    const failure = new PairingFailure(
      'coordinatorNotReady',
      `the coordinator went away during the pairing: ${why}`,
      'see to the coordinator, then pair it again',
    );
    this.#list.failAll(failure);
  }

  async #begin(waiting: Waiting, controller: Controller): Promise<void> {
    const { installCode } = waiting.wishes;
    if (installCode !== undefined) await addInstallCode(controller, installCode);
    waiting.type = await catalogueType(waiting.typeId);
    if (!this.#list.isUnderWay(waiting)) return;
    const known = this.#inNetwork(waiting, controller);
    if (!known) {
      await this.#door.openFor(waiting);
      return;
    }
    waiting.mayJoinAgain = this.#list.leftOverOf(waiting.deviceId) !== undefined;
    this.#newcomers.take(waiting, known);
    // told not to reset it, somebody may have done so all the same
    if (waiting.mayJoinAgain && this.#list.isUnderWay(waiting)) await this.#door.openFor(waiting);
  }

  /** A device that is in the network already, left over or named, is taken without a join. */
  #inNetwork({ deviceId, wishes }: Waiting, controller: Controller): Models.Device | undefined {
    const ieee = wishes.ieeeAddress ?? this.#list.leftOverOf(deviceId);
    const device = ieee === undefined ? undefined : controller.getDeviceByIeeeAddr(ieee);
    // one that is ours already and is paired again was reset: it has to join
    return device && this.#parts.ownerOf(device.ieeeAddr) === undefined ? device : undefined;
  }
}
