/**
 * The embedded broker: aedes on 127.0.0.1 (and for containers on their own network's address), where each add-on logs in with its own token and sees only its own base.
 *
 * A reading's acknowledgement is held back until it is on disk: aedes sends the PUBACK after `authorizePublish` has
 * called back, and that is where `core/readings` is awaited. aedes reads no further from a client while packets of
 * the last chunk wait, so an add-on that floods is slowed down and nobody else is.
 */
import { BlockList, createServer, type Server, type Socket } from 'node:net';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import { writeToStream } from 'mqtt-packet';
import { PACKET_MAX_BYTES } from '../contract/limits.ts';
import type { ConfigMessage } from '../contract/messages.ts';
import { addonTopics, parseInboundTopic } from '../contract/topics.ts';
import type { GatewayEventBus } from '../core/events.ts';
import type {
  AddonCredentials,
  AddonLink,
  AddonLogin,
  AddonRequest,
  BrokerDoor,
  ExternalLoginCheck,
} from '../core/ports.ts';
import type { Logger } from '../lib/logger.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonValue } from '../model/json.ts';
import { AddonAccess } from './access.ts';
import { Arrivals } from './arrivals.ts';
import type { Inbox } from './inbox.ts';
import { GuardedSocket } from './packet-guard.ts';
import { Requests } from './requests.ts';

// the codec that aedes writes with would otherwise keep all 65,536 numbers as buffers: 9 MB from the first packet on
writeToStream.cacheNumbers = false;

const HOST = '127.0.0.1';
const CONNECT_TIMEOUT_MS = 10_000;
/** Add-ons are heard at least so often, in seconds: a hung one is noticed after one and a half times that. */
const KEEPALIVE_MAX_SECONDS = 60;
/** An add-on that takes nothing of what is sent to it for so long is let go: it holds up what goes to all others. */
const DRAIN_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 200;

export interface AddonBrokerParts {
  /** 0: any free port. */
  port: number;
  events: GatewayEventBus;
  logger: Logger;
  newId: () => string;
  now: () => number;
  monotonicNow: () => number;
}

/** Where the broker listens, and whom it lets in there. */
interface Door {
  host: string;
  port: number;
  admits?: (remoteAddress: string) => boolean;
}

type PublishDone = (error?: Error) => void;

/**
 * aedes, one way: what an add-on publishes is core's and goes to no other client, so that it ends here; only gate's
 * own messages are delivered. (aedes passes the client as a second argument that its types leave out.)
 */
class OneWayBroker extends Aedes {
  override publish(
    packet: PublishPacket,
    clientOrDone: Client | null | PublishDone,
    done?: PublishDone,
  ): void {
    if (typeof clientOrDone === 'function') super.publish(packet, clientOrDone);
    else if (clientOrDone === null && done) super.publish(packet, done);
    else done?.();
  }
}

export class AddonBroker implements AddonLink, AddonCredentials, BrokerDoor {
  readonly #parts: AddonBrokerParts;
  readonly #access = new AddonAccess();
  readonly #requests: Requests;
  readonly #arrivals: Arrivals;
  readonly #connected = new Map<string, Client>();
  readonly #admitted = new Map<string, Client>();
  /** Those that have subscribed to their requests: one sent earlier would be heard by nobody. */
  readonly #listening = new Set<string>();
  #inbox: Inbox | undefined;
  #externalLogins: ExternalLoginCheck | undefined;
  #aedes: OneWayBroker | undefined;
  #server: Server | undefined;
  #door: { address: string; server: Server } | undefined;

  constructor(parts: AddonBrokerParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts);
    this.#requests = new Requests({
      send: (slug, requestId, message) => this.#publish(addonTopics(slug).request(requestId), message, false),
      connected: (slug) => this.#listening.has(slug),
      arrivals: this.#arrivals,
      newId: parts.newId,
      now: parts.now,
    });
  }

  /** Opens the broker itself; add-ons are let in by `listen`. */
  async start(): Promise<void> {
    const aedes = new OneWayBroker({
      connectTimeout: CONNECT_TIMEOUT_MS,
      drainTimeout: DRAIN_TIMEOUT_MS,
      maxClientsIdLength: 64,
      maxTopicLevels: 8,
      preConnect: (client, packet, done) => {
        const seconds = Math.min(packet.keepalive || KEEPALIVE_MAX_SECONDS, KEEPALIVE_MAX_SECONDS);
        if (client.conn instanceof GuardedSocket) client.conn.expectWithin(seconds * 1_500);
        // the guard keeps the time in place of aedes
        packet.keepalive = 0;
        done(null, true);
      },
      authenticate: (client, username, password, done) => {
        void this.#admits(client.id, username, password).then((admitted) => {
          if (!admitted)
            this.#parts.logger.warn({ addon: client.id }, 'a log-in at the add-on broker was refused');
          else this.#admitted.set(client.id, client);
          done(null, admitted);
        });
      },
      authorizePublish: (client, packet, done) => {
        if (!client) return done(new Error('only add-ons publish here'));
        // the will of a connection that broke: the end of the connection says it already
        if (client.closed) return done(null);
        this.#receive(client.id, packet, done);
      },
      authorizeSubscribe: (client, subscription, done) => {
        if (this.#access.maySubscribe(client.id, subscription.topic)) return done(null, subscription);
        this.#inbox?.refuse(client.id, `it may not subscribe to "${subscription.topic}"`);
        done(null, null);
      },
    });
    aedes.on('clientReady', (client) => {
      this.#connected.set(client.id, client);
      if (this.#admitted.get(client.id) === client) this.#admitted.delete(client.id);
      this.#listening.delete(client.id);
      this.#parts.events.emit('addonConnected', { slug: client.id });
    });
    aedes.on('clientDisconnect', (client) => {
      if (this.#connected.get(client.id) !== client) return;
      this.#connected.delete(client.id);
      this.#listening.delete(client.id);
      this.#requests.abandon(client.id);
      this.#parts.events.emit('addonDisconnected', { slug: client.id });
    });
    aedes.on('subscribe', (subscriptions, client) => {
      const { requests } = addonTopics(client.id);
      if (!subscriptions.some(({ topic }) => topic === requests)) return;
      this.#listening.add(client.id);
      this.#arrivals.arrived(client.id);
    });
    const ended = new WeakSet<Client>();
    aedes.on('clientError', (client, error) => {
      // told for each message that waited
      if (ended.has(client)) return;
      ended.add(client);
      this.#parts.logger.info({ addon: client.id }, `connection ended: ${error.message}`);
    });
    aedes.on('connectionError', (_client, error) =>
      this.#parts.logger.info(`a connection to the add-on broker ended: ${error.message}`),
    );
    await aedes.listen();
    this.#aedes = aedes;
  }

  /**
   * Lets add-ons in, those too that `externalLogins` admits; their messages go to `inbox`.
   * @throws GatewayError portTaken
   */
  async listen(inbox: Inbox, externalLogins?: ExternalLoginCheck): Promise<void> {
    this.#inbox = inbox;
    this.#externalLogins = externalLogins;
    this.#server = await this.#serve({ host: HOST, port: this.#parts.port });
    this.#arrivals.begin();
  }

  /** The same broker and the same log-ins on one more address: that of the containers' network. */
  async openDoor({ address, subnet }: { address: string; subnet: string }): Promise<string> {
    const url = this.doorUrl(address);
    if (this.#door?.address === address) return url;
    this.closeDoor();
    const [base = '', bits = ''] = subnet.split('/');
    const inside = new BlockList();
    inside.addSubnet(base, Number(bits), 'ipv4');
    // a box that forwards packets would let the LAN reach this address too
    const admits = (remote: string) => inside.check(remote, 'ipv4');
    const server = await this.#serve({ host: address, port: this.port, admits });
    this.#door = { address, server };
    return url;
  }

  doorUrl(address: string): string {
    return `mqtt://${address}:${this.port}`;
  }

  closeDoor(): void {
    this.#door?.server.close();
    this.#door = undefined;
  }

  /** @throws GatewayError portTaken */
  async #serve({ host, port, admits }: Door): Promise<Server> {
    const aedes = this.#aedes;
    if (!aedes) throw new GatewayError('unavailable', 'the add-on broker is not started');
    const server = createServer({ noDelay: true }, (socket: Socket) => {
      if (admits && !admits(socket.remoteAddress ?? '')) socket.destroy();
      else aedes.handle(new GuardedSocket(socket, PACKET_MAX_BYTES));
    });
    server.maxConnections = CONNECTIONS_MAX;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
      server.listen(port, host, resolve);
    });
    return server;
  }

  /** Takes no more messages; what is in flight may still be acknowledged. */
  async stopIntake(): Promise<void> {
    this.#server?.close();
    this.#door?.server.close();
    this.#inbox?.close();
    await this.#inbox?.drained();
  }

  async stop(): Promise<void> {
    const aedes = this.#aedes;
    this.#aedes = undefined;
    this.#server?.close();
    this.#server = undefined;
    this.closeDoor();
    if (aedes) await new Promise<void>((resolve) => aedes.close(resolve));
  }

  /** The port in use. */
  get port(): number {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : this.#parts.port;
  }

  /** Resolves when a message has gone through the broker; nobody is sent it. */
  getOn(): Promise<void> {
    const packet: PublishPacket = {
      cmd: 'publish',
      topic: 'gate/progress',
      payload: Buffer.alloc(0),
      qos: 0,
      retain: false,
      dup: false,
    };
    return new Promise((resolve, reject) => {
      if (!this.#aedes) reject(new GatewayError('unavailable', 'the add-on broker is not started'));
      this.#aedes?.publish(packet, (error) => (error ? reject(error) : resolve()));
    });
  }

  issue(slug: string): AddonLogin {
    this.revoke(slug);
    this.#arrivals.expect(slug);
    return { brokerUrl: this.brokerUrl, addon: slug, token: this.#access.issue(slug) };
  }

  get brokerUrl(): string {
    return `mqtt://${HOST}:${this.port}`;
  }

  readmit(slug: string, token: string): void {
    this.#access.readmit(slug, token);
    this.#arrivals.expect(slug);
  }

  revoke(slug: string): void {
    this.#access.revoke(slug);
    this.#arrivals.givenUp(slug);
    this.#connected.get(slug)?.close();
    // let in just now, and not yet connected
    this.#admitted.get(slug)?.close();
    this.#admitted.delete(slug);
  }

  configure(slug: string, config: ConfigMessage): void {
    this.#publish(addonTopics(slug).config, config, true);
  }

  request(slug: string, request: AddonRequest): Promise<JsonValue> {
    return this.#requests.request(slug, request);
  }

  /** One add-on, one connection: the client id is the slug. */
  async #admits(
    clientId: string,
    username: string | undefined,
    password: Buffer | undefined,
  ): Promise<boolean> {
    if (clientId !== username || password === undefined) return false;
    if (this.#access.admits(username, password)) return true;
    return (await this.#externalLogins?.admits(username, password.toString())) ?? false;
  }

  #publish(topic: string, message: object, retain: boolean): void {
    const packet: PublishPacket = {
      cmd: 'publish',
      topic,
      payload: Buffer.from(JSON.stringify(message)),
      qos: 1,
      retain,
      dup: false,
    };
    this.#aedes?.publish(packet, (error) => {
      if (error) this.#parts.logger.error({ topic }, `publishing to an add-on failed: ${error.message}`);
    });
  }

  #receive(slug: string, packet: PublishPacket, done: (error?: Error | null) => void): void {
    const inbox = this.#inbox;
    if (!inbox || packet.qos === 2) {
      done(new Error('QoS 2 is not taken here'));
      return;
    }
    const topic = parseInboundTopic(slug, packet.topic);
    if (topic?.kind === 'result') {
      const result = inbox.result(slug, packet.payload);
      if (result && !this.#requests.settle(slug, topic.requestId, result)) {
        this.#parts.logger.debug(
          { addon: slug, requestId: topic.requestId },
          'a result that nobody waits for',
        );
      }
      done(null);
      return;
    }
    // a refused message is acknowledged, or the add-on would send it again for ever
    inbox.receive(slug, packet.topic, packet.payload).then(
      () => done(null),
      (error: Error) => done(error),
    );
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): GatewayError {
  if (error.code === 'EADDRINUSE') {
    return new GatewayError(
      'portTaken',
      `port ${port} on ${host}, for add-ons, is taken by another program`,
      {
        hint: 'set LOCAL_BROKER_PORT to a free port',
        cause: error,
      },
    );
  }
  return new GatewayError(
    'portTaken',
    `port ${port} on ${host}, for add-ons, cannot be opened: ${error.message}`,
    { cause: error },
  );
}
