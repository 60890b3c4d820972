/**
 * Opens tunnels of one KNXnet/IP server, one after the other, and leaves none behind: a tunnel that this side has given
 * up, or that an earlier process had, is disconnected, again and again, before the next one is asked for (KNX standard,
 * 03_08_02 Core, 5.2 to 5.5). A lost client's tunnel would stay taken for two minutes, and many interfaces have one only.
 */
import { AddonError, type Clock } from '@gate/addon-sdk';
import type { GroupTelegram } from '../wire/cemi.ts';
import {
  type ConnectAnswer,
  channelRequest,
  connectRequest,
  type Endpoint,
  type IpFrame,
  parseChannelStatus,
  parseConnectAnswer,
  SERVICE,
} from '../wire/ip-frame.ts';
import { noAnswer, STATUS_OK, tunnelRefusedBy } from '../wire/ip-status.ts';
import type { FrameChannel, OpenChannel } from './frame-channel.ts';
import { FrameDialogue } from './frame-dialogue.ts';
import type { Connector } from './link.ts';
import { Tunnel } from './tunnel.ts';
import { SLOT_LIFETIME_MS, type TunnelNote } from './tunnel-note.ts';

const CONNECT_ANSWER_MS = 1_000;
const CONNECT_ATTEMPTS = 3;
const DISCONNECT_ANSWER_MS = 500;
/** How often the note of the tunnel is made anew: half of what makes it useless, for a card wears. */
const NOTE_EVERY_MS = SLOT_LIFETIME_MS / 2;
/** Tunnels left behind that are remembered: more than any interface has. */
const LEFT_BEHIND_MAX = 16;

export interface TunnelConnectorParts {
  open: OpenChannel;
  server: Endpoint;
  routeBack: boolean;
  /** The tunnel with this individual address is asked for. */
  individualAddress?: number | undefined;
  /** Where a tunnel is noted for a process that comes after this one. */
  note?: TunnelNote | undefined;
  clock: Clock;
}

export class TunnelConnector implements Connector {
  readonly #parts: TunnelConnectorParts;
  readonly #dialogue: FrameDialogue;
  readonly #leftBehind = new Map<number, { untilMs: number }>();
  /** Over UDP kept from tunnel to tunnel: some servers know a client by its port. */
  #channel: FrameChannel | undefined;
  #tunnel: Tunnel | undefined;
  /** Why the last channel is of no more use. */
  #broken: AddonError | undefined;
  #notedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: TunnelConnectorParts) {
    this.#parts = parts;
    this.#dialogue = new FrameDialogue(parts.clock);
    const left = parts.note?.left(this.#serverName);
    if (left) this.#leftBehind.set(left.channelId, { untilMs: parts.clock.uptime() + left.forMs });
  }

  async connect(onTelegram: (telegram: GroupTelegram) => void): Promise<Tunnel> {
    const channel = await this.#openChannel();
    await this.#disconnectLeftBehind(channel);
    const { channelId, endpoint, individualAddress } = await this.#askForTunnel(channel);
    // 0.0.0.0: the server itself does not know from where it is seen
    const usable = !channel.routeBack && endpoint.host !== '0.0.0.0' && endpoint.port !== 0;
    const tunnel = new Tunnel({
      channel,
      dialogue: this.#dialogue,
      clock: this.#parts.clock,
      server: this.#serverName,
      channelId,
      dataEndpoint: usable ? endpoint : undefined,
      individualAddress,
      onTelegram,
      onAlive: () => this.#noteTunnel(channel, channelId),
    });
    this.#tunnel = tunnel;
    this.#notedMs = Number.NEGATIVE_INFINITY;
    this.#noteTunnel(channel, channelId);
    void tunnel.ended.then(() => {
      if (tunnel.endedByServer) this.#parts.note?.clear();
      else this.#leaveBehind(tunnel.channelId);
    });
    return tunnel;
  }

  /** A tunnel over TCP ends with its connection, whoever ends that. */
  #noteTunnel({ reliable }: FrameChannel, channelId: number): void {
    const nowMs = this.#parts.clock.uptime();
    if (reliable || nowMs - this.#notedMs < NOTE_EVERY_MS) return;
    this.#notedMs = nowMs;
    this.#parts.note?.write({ server: this.#serverName, channelId });
  }

  close(): void {
    this.#dialogue.giveUp();
    this.#channel?.close();
    this.#channel = undefined;
  }

  get #serverName(): string {
    return `${this.#parts.server.host}:${this.#parts.server.port}`;
  }

  async #openChannel(): Promise<FrameChannel> {
    const kept = this.#channel;
    if (kept?.renew) {
      await kept.renew();
      return kept;
    }
    // over TCP: one that has fallen silent would be found out minutes later; what it had ends with it
    kept?.close();
    this.#channel = undefined;
    if (kept) this.#leftBehind.clear();
    const { open, server, routeBack } = this.#parts;
    const channel = await open(
      { server, routeBack },
      {
        onFrame: (frame) => this.#receive(frame),
        onBroken: (reason) => {
          channel.close();
          if (this.#channel === channel) this.#channel = undefined;
          this.#channelBroken(channel, reason);
        },
      },
    );
    this.#broken = undefined;
    this.#channel = channel;
    return channel;
  }

  #channelBroken({ reliable }: FrameChannel, words: string): void {
    const reason = new AddonError(
      'noLink',
      `the connection to the KNXnet/IP server ${this.#serverName} broke: ${words}`,
      { hint: 'is this box, and is the server, in the network?' },
    );
    this.#broken = reason;
    // with a TCP connection its tunnels end too
    if (reliable) {
      this.#leftBehind.clear();
      if (this.#tunnel) this.#tunnel.endedByServer = true;
    }
    this.#tunnel?.lose(reason);
    this.#dialogue.giveUp();
  }

  #receive(frame: IpFrame): void {
    this.#tunnel?.heard();
    if (this.#dialogue.receive(frame)) return;
    if (frame.service === SERVICE.connectResponse) this.#surplusTunnel(frame.body);
    else this.#tunnel?.receive(frame);
  }

  async #askForTunnel(
    channel: FrameChannel,
  ): Promise<{ channelId: number; endpoint: Endpoint; individualAddress: number | undefined }> {
    const answer: ConnectAnswer | undefined = await this.#dialogue.question({
      ask: () => channel.send(connectRequest(channel.ownEndpoint, this.#parts.individualAddress)),
      answerIn: ({ service, body }) =>
        service === SERVICE.connectResponse ? parseConnectAnswer(body) : undefined,
      timeoutMs: CONNECT_ANSWER_MS,
      attempts: channel.reliable ? 1 : CONNECT_ATTEMPTS,
    });
    if (answer === undefined) throw this.#broken ?? noAnswer(this.#serverName, 'when asked for a tunnel');
    const { channel: channelId, status, endpoint, individualAddress } = answer;
    if (status !== STATUS_OK || endpoint === undefined) {
      throw tunnelRefusedBy(this.#serverName, status, this.#parts.individualAddress !== undefined);
    }
    return { channelId, endpoint, individualAddress };
  }

  /** The question was asked twice, or the answer came too late: a second tunnel that nobody uses. */
  #surplusTunnel(body: Buffer): void {
    const answer = parseConnectAnswer(body);
    if (answer?.status !== STATUS_OK || answer.channel === this.#tunnel?.channelId) return;
    this.#leaveBehind(answer.channel);
    this.#sendDisconnect(answer.channel);
  }

  #leaveBehind(channelId: number): void {
    if (this.#leftBehind.size >= LEFT_BEHIND_MAX) return;
    this.#leftBehind.set(channelId, { untilMs: this.#parts.clock.uptime() + SLOT_LIFETIME_MS });
  }

  /** Repeated with each attempt to connect, until the server has answered or has given it up by itself. */
  async #disconnectLeftBehind(channel: FrameChannel): Promise<void> {
    for (const [channelId, { untilMs }] of [...this.#leftBehind]) {
      const answered = await this.#dialogue.question({
        ask: () => this.#sendDisconnect(channelId, channel),
        answerIn: ({ service, body }) =>
          service === SERVICE.disconnectResponse && parseChannelStatus(body)?.channel === channelId
            ? true
            : undefined,
        timeoutMs: DISCONNECT_ANSWER_MS,
        attempts: 2,
      });
      if (answered || this.#parts.clock.uptime() > untilMs) this.#leftBehind.delete(channelId);
      // it does not answer at all: the others need not be tried
      if (!answered) return;
    }
  }

  #sendDisconnect(channelId: number, channel = this.#channel): void {
    channel?.send(channelRequest(SERVICE.disconnectRequest, channelId, channel.ownEndpoint));
  }
}
