/**
 * KNXnet/IP routing (KNX standard, 03_08_05): telegrams as multicast, without a server's tunnel. There are no
 * acknowledgements; a telegram counts as sent once it is on the network. This side keeps to 50 telegrams a second and
 * is silent for as long as a router says that it is busy (2.3.5), as the standard asks of every sender.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { AddonError, type Clock } from '@gate/addon-sdk';
import { decodeCemi, encodeCemi, type GroupTelegram } from '../wire/cemi.ts';
import { decodeFrame, type Endpoint, encodeFrame, SERVICE } from '../wire/ip-frame.ts';
import type { Connector, Link, OutgoingTelegram } from './link.ts';
import { LinkLost } from './link.ts';
import { localAddressTowards, noNetwork } from './udp-channel.ts';

const GAP_MS = 20;
/** ROUTING_BUSY asks for 100 ms as a rule; more than this is not believed. */
const BUSY_MAX_MS = 1_000;
/** How many routers a telegram passes. */
const TTL = 16;

export interface RoutingParts {
  /** The multicast group of the installation, 224.0.23.12:3671 as a rule. */
  group: Endpoint;
  /** This side's address on the bus, which no device may have. */
  individualAddress: number;
  clock: Clock;
}

export class RoutingConnector implements Connector {
  readonly #parts: RoutingParts;
  #sockets: Socket[] = [];

  constructor(parts: RoutingParts) {
    this.#parts = parts;
  }

  async connect(onTelegram: (telegram: GroupTelegram) => void): Promise<Link> {
    this.close();
    const { group } = this.#parts;
    const ear = createSocket({ type: 'udp4', reuseAddr: true });
    // a server on this very box would take what comes from its own address and port for its own
    const mouth = createSocket('udp4');
    this.#sockets = [ear, mouth];
    try {
      const here = await localAddressTowards(group.host, group.port);
      ear.bind(group.port);
      mouth.bind(0, here);
      await Promise.all([once(ear, 'listening'), once(mouth, 'listening')]);
      ear.addMembership(group.host, here);
      mouth.setMulticastInterface(here);
      mouth.setMulticastTTL(TTL);
      mouth.setMulticastLoopback(true);
    } catch (error) {
      this.close();
      throw noNetwork(group, error);
    }
    return new RoutingLink({ ...this.#parts, ear, mouth, onTelegram });
  }

  close(): void {
    for (const socket of this.#sockets) {
      socket.removeAllListeners().on('error', () => undefined);
      socket.close();
    }
    this.#sockets = [];
  }
}

interface RoutingLinkParts extends RoutingParts {
  /** Hears the group. */
  ear: Socket;
  mouth: Socket;
  onTelegram: (telegram: GroupTelegram) => void;
}

class RoutingLink implements Link {
  readonly place: string;
  readonly individualAddress: number;
  readonly ended: Promise<AddonError>;
  readonly #parts: RoutingLinkParts;
  readonly #end: (reason: AddonError) => void;
  #ended: AddonError | undefined;
  #freeAtMs: number;

  constructor(parts: RoutingLinkParts) {
    this.#parts = parts;
    this.place = `routing on ${parts.group.host}:${parts.group.port}`;
    this.individualAddress = parts.individualAddress;
    this.#freeAtMs = parts.clock.uptime();
    const { promise, resolve } = Promise.withResolvers<AddonError>();
    this.ended = promise;
    this.#end = resolve;
    for (const socket of [parts.ear, parts.mouth]) {
      socket.on('error', (error) => this.#lose(noNetwork(parts.group, error)));
    }
    parts.ear.on('message', (bytes) => this.#receive(bytes));
  }

  async send(telegram: OutgoingTelegram): Promise<void> {
    const { clock, group, individualAddress, mouth } = this.#parts;
    while (clock.uptime() < this.#freeAtMs) {
      await new Promise<void>((resolve) => clock.after(this.#freeAtMs - clock.uptime(), resolve));
    }
    if (this.#ended) throw new LinkLost(this.#ended);
    this.#freeAtMs = clock.uptime() + GAP_MS;
    const cemi = encodeCemi('indication', { ...telegram, source: individualAddress });
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    mouth.send(encodeFrame(SERVICE.routingIndication, cemi), group.port, group.host, resolve);
    const error = await promise;
    if (error === null) return;
    const reason = noNetwork(group, error);
    this.#lose(reason);
    throw new LinkLost(reason);
  }

  async close(): Promise<void> {
    this.#lose(new AddonError('noLink', 'routing was closed'));
  }

  #lose(reason: AddonError): void {
    this.#ended ??= reason;
    this.#end(reason);
  }

  #receive(bytes: Buffer): void {
    const frame = decodeFrame(bytes);
    if (frame?.service === SERVICE.routingBusy && frame.body.length >= 4) {
      const waitMs = Math.min(frame.body.readUInt16BE(2), BUSY_MAX_MS);
      this.#freeAtMs = Math.max(this.#freeAtMs, this.#parts.clock.uptime() + waitMs);
    }
    if (frame?.service !== SERVICE.routingIndication) return;
    const message = decodeCemi(frame.body);
    // the network hands this side its own telegrams too
    if (message?.kind === 'indication' && message.source !== this.individualAddress) {
      this.#parts.onTelegram(message);
    }
  }
}
