/**
 * What the cloud asks, taken apart and handed on. It is acknowledged to the broker once it has been done, or refused:
 * what a restart interrupts comes again. What is refused is counted, logged, and told where the contract has a place.
 */
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonValue } from '../model/json.ts';
import type { Incoming } from './connection.ts';
import type { DeviceCommands } from './device-commands.ts';
import { jsonOf } from './messages.ts';
import type { ProtocolCommands } from './protocol-commands.ts';
import type { Rotation } from './rotation.ts';
import type { SoftwareCommands } from './software-commands.ts';
import type { CloudTopics, CommandAddress } from './topics.ts';

export interface CommandInboxParts {
  topics: CloudTopics;
  devices: DeviceCommands;
  protocols: ProtocolCommands;
  software: SoftwareCommands;
  rotation: Rotation;
  logger: Logger;
  /** Milliseconds since 1970. */
  now: () => number;
  /** How many were refused so far, and what was wrong with the last one. */
  onRefused: (count: number, last: string) => void;
}

/** What a handler is given beside the message. */
interface Context {
  address: CommandAddress;
  message: Incoming;
  /** @throws GatewayError when the deadline that the message names has passed */
  demandInTime: (deadline?: number) => void;
}

export class CommandInbox {
  readonly #parts: CommandInboxParts;
  #refused = 0;

  constructor(parts: CommandInboxParts) {
    this.#parts = parts;
  }

  /** Never rejects. */
  async take(message: Incoming): Promise<void> {
    const { topics, logger } = this.#parts;
    const { topic, payload } = message;
    const address = topics.parse(topic);
    try {
      if (!address) throw new GatewayError('badMessage', 'it is no command to this gateway');
      logger.info({ topic }, `the cloud asks: ${address.command}`);
      await this.#carryOut(jsonOf(payload), { address, message, demandInTime: this.#demanding(message) });
    } catch (error) {
      const { message: words } = error as Error;
      this.#refused += 1;
      this.#parts.onRefused(this.#refused, `${topic}: ${words}`);
      logger.warn({ topic, err: error }, `what the cloud asked was refused: ${words}`);
    }
  }

  #carryOut(value: JsonValue, { address, message, demandInTime }: Context): Promise<void> {
    const { devices, protocols, software, rotation } = this.#parts;
    const { command, deviceId = '' } = address;
    switch (command) {
      case 'createDevice':
        return devices.create(value, demandInTime);
      case 'installProtocol':
        return protocols.install(value, demandInTime);
      case 'requestCertificate':
        return rotation.request(value, demandInTime);
      case 'putCertificate':
        return rotation.put(value, demandInTime);
      case 'get':
        return devices.get(deviceId, value, demandInTime);
      case 'updateSoftware':
        return software.update(value, demandInTime);
      default:
    }
    // their payload has no place for a deadline
    demandInTime();
    if (command === 'updateProtocol') return protocols.update(value);
    return command === 'set' ? devices.set(deviceId, value, message) : devices.remove(deviceId);
  }

  /** A deadline may stand in the message, or beside it as the user property `deadline` of MQTT 5. */
  #demanding({ properties }: Incoming): (deadline?: number) => void {
    const beside = Number(properties['deadline'] ?? Number.NaN);
    return (inside) => {
      const deadline = inside ?? (Number.isFinite(beside) ? beside : undefined);
      if (deadline === undefined || deadline >= this.#parts.now()) return;
      const words = `its deadline passed at ${new Date(deadline).toISOString()}`;
      throw new GatewayError('conflict', words, { reasonCode: 'outOfDate' });
    };
  }
}
