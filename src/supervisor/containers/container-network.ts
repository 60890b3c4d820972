/**
 * The private network of the containers, and the broker's door on it. Made with the first container, removed with the
 * last; never another one's of that name.
 */
import type { BrokerDoor } from '../../core/ports.ts';
import { GatewayError } from '../../model/error.ts';
import { LABELS, NETWORK } from './container-descriptor.ts';
import type { Engine } from './engine.ts';

export class ContainerNetwork {
  readonly #engine: Engine;
  readonly #door: BrokerDoor;
  readonly #gatewayId: string;

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
    return this.#door.openDoor({ address: place.gateway, subnet: place.subnet });
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
