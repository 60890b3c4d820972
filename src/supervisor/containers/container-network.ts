/**
 * The private network of the containers, and the broker's door on it. Made with the first container, removed with the
 * last; never another one's of that name. With Podman its address is there only while a container of it runs: then the
 * door is opened right after the start of the first.
 */
import type { BrokerDoor } from '../../core/ports.ts';
import { pause } from '../../lib/deadline.ts';
import { GatewayError } from '../../model/error.ts';
import { LABELS, NETWORK } from './container-descriptor.ts';
import type { Engine, NetworkPlace } from './engine.ts';

/** From a container's start until the network's address must be there. */
const ADDRESS_MS = 5_000;
const LOOK_MS = 50;

export class ContainerNetwork {
  readonly #engine: Engine;
  readonly #door: BrokerDoor;
  readonly #gatewayId: string;
  /** Where the door is to be, as long as that address is not there. */
  #waiting: NetworkPlace | undefined;

  constructor(parts: { engine: Engine; door: BrokerDoor; gatewayId: string }) {
    this.#engine = parts.engine;
    this.#door = parts.door;
    this.#gatewayId = parts.gatewayId;
  }

  /** @returns where containers reach the broker. @throws GatewayError addonUnavailable, portTaken */
  async open(): Promise<string> {
    let network = await this.#engine.network(NETWORK);
    if (!network) {
      await this.#engine.createNetwork(NETWORK, { [LABELS.gateway]: this.#gatewayId });
      network = await this.#engine.network(NETWORK);
    }
    if (network?.labels[LABELS.gateway] === undefined) {
      throw new GatewayError(
        'addonUnavailable',
        `there is a network ${NETWORK} already, and it is not gate's`,
        {
          reasonCode: 'nameTaken',
          hint: `remove or rename it: docker network inspect ${NETWORK}`,
        },
      );
    }
    const { place } = network;
    if (!place)
      throw new GatewayError('addonUnavailable', `network ${NETWORK} has no IPv4 address of this box`);
    this.#waiting = (await this.#tryDoor(place)) ? undefined : place;
    return this.#door.doorUrl(place.gateway);
  }

  /** A container of it runs: the door that could not be opened before it is opened now. @throws GatewayError portTaken */
  async entered(): Promise<void> {
    const place = this.#waiting;
    if (!place) return;
    const endsAt = performance.now() + ADDRESS_MS;
    while (!(await this.#tryDoor(place)) && performance.now() < endsAt) await pause(LOOK_MS);
    if (!(await this.#tryDoor(place)))
      throw new GatewayError('addonUnavailable', `the box has no address ${place.gateway}, of ${NETWORK}`);
    this.#waiting = undefined;
  }

  /** @returns false where that address is not there (yet). @throws GatewayError portTaken */
  async #tryDoor({ gateway: address, subnet }: NetworkPlace): Promise<boolean> {
    try {
      await this.#door.openDoor({ address, subnet });
      return true;
    } catch (error) {
      const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
      if (cause?.code === 'EADDRNOTAVAIL') return false;
      throw error;
    }
  }

  /** Goes when no container of any gateway is left. */
  async closeIfUnused(): Promise<void> {
    // any gateway's: a label without a value
    const left = await this.#engine.containers({ [LABELS.gateway]: '' });
    if (left.length > 0) return;
    const network = await this.#engine.network(NETWORK);
    if (network?.labels[LABELS.gateway] === undefined) return;
    await this.#engine.removeNetwork(NETWORK);
    this.#door.closeDoor();
  }
}
