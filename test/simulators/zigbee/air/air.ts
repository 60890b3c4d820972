/**
 * The air between the stick and the devices. A device hears the stick only on its channel, in its PAN, with its network
 * key, and with a frame counter that has grown: so a stick that came back with other keys, or an old counter, is deaf
 * and mute to the devices, as it would be. Devices that sleep get their frames when they poll, numbered as they go out then.
 */

import type { Medium, Node } from '../node.ts';
import { Delivery } from './delivery.ts';
import type { NetworkIdentity } from './network-identity.ts';
import type { Packet } from './packet.ts';

/** How long a parent keeps a frame for a child that sleeps (macTransactionPersistenceTime). */
const INDIRECT_MS = 7_680;

export interface Transmitter {
  /** Undefined while the stick runs no network. */
  readonly identity: NetworkIdentity | undefined;
  nextFrameCounter(): number;
}

export class Air implements Medium {
  readonly devices = new Map<string, Node>();
  readonly #byAddress = new Map<number, Node>();
  readonly #pending = new Set<NodeJS.Timeout>();
  /** Frames sent by the stick, and those of them that nobody heard. */
  framesSent = 0;
  framesLost = 0;

  add(device: Node): void {
    this.devices.set(device.ieee, device);
    const address = device.membership?.address;
    if (address !== undefined) this.#byAddress.set(address, device);
  }

  remove(device: Node): void {
    this.devices.delete(device.ieee);
    this.readdress(device, device.membership?.address, undefined);
  }

  readdress(device: Node, before: number | undefined, after: number | undefined): void {
    if (before !== undefined && this.#byAddress.get(before) === device) this.#byAddress.delete(before);
    if (after !== undefined) this.#byAddress.set(after, device);
  }

  device(address: number): Node | undefined {
    return this.#byAddress.get(address);
  }

  isTaken(address: number): boolean {
    return this.#byAddress.has(address);
  }

  /** From the stick to one node: `deliver` runs when the node has it, `confirm` says how it went for the sender. */
  unicast(
    from: Transmitter,
    address: number,
    deliver: (device: Node) => void,
    confirm: (status: number) => void = () => undefined,
  ): void {
    this.framesSent += 1;
    const device = this.#byAddress.get(address);
    if (!device?.hears(from.identity) || device.failureStatus !== undefined) {
      this.framesLost += 1;
      confirm(device?.failureStatus ?? Delivery.noAck);
      return;
    }
    const waitMs = device.pollsInMs();
    if (waitMs === 0) {
      confirm(Delivery.success);
      if (device.accepts(from.nextFrameCounter())) deliver(device);
      return;
    }
    const expires = waitMs > INDIRECT_MS;
    this.later(Math.min(waitMs, INDIRECT_MS), () => {
      const heard = !expires && device.hears(from.identity);
      confirm(heard ? Delivery.success : Delivery.expired);
      if (heard && device.accepts(from.nextFrameCounter())) deliver(device);
    });
  }

  /** From the stick to everybody, or to the members of a group. Sleepers hear it too, when they poll. */
  broadcast(from: Transmitter, deliver: (device: Node) => void): void {
    this.framesSent += 1;
    const counter = from.nextFrameCounter();
    for (const device of this.devices.values()) {
      if (!device.hears(from.identity) || device.failureStatus !== undefined) continue;
      const waitMs = device.pollsInMs();
      if (waitMs > INDIRECT_MS) continue;
      const arrive = () => {
        if (device.hears(from.identity) && device.accepts(waitMs === 0 ? counter : from.nextFrameCounter()))
          deliver(device);
      };
      if (waitMs === 0) arrive();
      else this.later(waitMs, arrive);
    }
  }

  /** From one device to another, or to a group, as its bindings say. */
  between(from: Node, to: { ieee: string } | { groupId: number }, packet: Packet): void {
    const network = from.membership?.network;
    const reached =
      'ieee' in to
        ? [this.devices.get(to.ieee)].filter((device) => device !== undefined)
        : [...this.devices.values()].filter((device) => device !== from);
    for (const device of reached) {
      if (device.hears(network) && device.failureStatus === undefined) device.receive(packet);
    }
  }

  /** Touchlink: a frame without a network, on one channel, to those that are near. */
  interPan(deliver: (device: Node) => void): void {
    for (const device of this.devices.values()) {
      if (device.powered && device.failureStatus === undefined) deliver(device);
    }
  }

  later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      run();
    }, ms);
    this.#pending.add(timer);
  }

  stop(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
    for (const device of this.devices.values()) device.stop();
  }
}
