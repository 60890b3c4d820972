/**
 * One tunnel of a KNXnet/IP server (KNX standard, 03_08_04 Tunnelling). One telegram is under way at a time: it is
 * acknowledged within 1 s or sent once more, then the tunnel is given up (2.6); it counts as sent once the bus has
 * confirmed it (L_Data.con). What comes in is acknowledged at once, and handed on once.
 */
import { AddonError, type Clock } from '@gate/addon-sdk';
import { decodeCemi, encodeCemi, type GroupTelegram } from '../wire/cemi.ts';
import {
  channelRequest,
  channelResponse,
  type Endpoint,
  type IpFrame,
  parseChannelStatus,
  parseNumbered,
  SERVICE,
  tunnellingAck,
  tunnellingRequest,
} from '../wire/ip-frame.ts';
import { noAnswer, refusedBy, STATUS_OK } from '../wire/ip-status.ts';
import { Confirmation } from './confirmation.ts';
import type { FrameChannel } from './frame-channel.ts';
import type { FrameDialogue } from './frame-dialogue.ts';
import { Heartbeat } from './heartbeat.ts';
import { type Link, LinkLost, type OutgoingTelegram } from './link.ts';

/** TUNNELING_REQUEST_TIMEOUT. */
const ACK_MS = 1_000;
/** How long the bus has for its confirmation: a full line is slow. */
const CONFIRMATION_MS = 3_000;
const HEARTBEAT_ANSWER_MS = 1_000;
const HEARTBEAT_ATTEMPTS = 3;
const DISCONNECT_ANSWER_MS = 700;

export interface TunnelParts {
  channel: FrameChannel;
  dialogue: FrameDialogue;
  clock: Clock;
  /** Of the server, for people. */
  server: string;
  channelId: number;
  /** Where telegrams go; the control endpoint where undefined. */
  dataEndpoint: Endpoint | undefined;
  individualAddress: number | undefined;
  onTelegram: (telegram: GroupTelegram) => void;
  /** The server has said that it knows this tunnel. */
  onAlive: () => void;
}

export class Tunnel implements Link {
  readonly place: string;
  readonly individualAddress: number | undefined;
  readonly ended: Promise<AddonError>;
  readonly channelId: number;
  readonly #parts: TunnelParts;
  readonly #end: (reason: AddonError) => void;
  #endReason: AddonError | undefined;
  readonly #confirmation: Confirmation;
  #nextOut = 0;
  #nextIn = 0;
  readonly #heartbeat: Heartbeat;
  /** The server itself has ended it: there is nothing left to disconnect. */
  endedByServer = false;

  constructor(parts: TunnelParts) {
    this.#parts = parts;
    this.#confirmation = new Confirmation(parts.clock);
    this.place = parts.server;
    this.channelId = parts.channelId;
    this.individualAddress = parts.individualAddress;
    const { promise, resolve } = Promise.withResolvers<AddonError>();
    this.ended = promise;
    this.#end = resolve;
    this.#heartbeat = new Heartbeat({ clock: parts.clock, ask: () => this.#askState() });
  }

  async send(telegram: OutgoingTelegram): Promise<void> {
    if (this.#endReason) throw new LinkLost(this.#endReason);
    // counted from here, with the two attempts of the transmission on top
    const confirmed = this.#confirmation.of(telegram, 2 * ACK_MS + CONFIRMATION_MS);
    await this.#transmit(encodeCemi('request', { ...telegram, source: 0 }));
    const outcome = await confirmed;
    if (outcome instanceof LinkLost) throw outcome;
    if (outcome === 'confirmed') return;
    // was it the bus, or was the confirmation lost with the link?
    if (outcome === 'silent') await this.#heartbeat.beat();
    if (this.#endReason) throw new LinkLost(this.#endReason);
    throw outcome === 'negative'
      ? new AddonError('notConfirmed', 'no device on the bus has acknowledged the telegram', {
          hint: 'is the device powered, is the bus plugged in, and is the group address used by a device of this line?',
        })
      : new AddonError(
          'timeout',
          `the bus did not confirm the telegram within ${CONFIRMATION_MS / 1_000} s`,
          {
            hint: 'is the bus overloaded, or cut off from the interface? whether the telegram went out is not known',
          },
        );
  }

  async close(): Promise<void> {
    if (this.#endReason) return;
    const { channel, dialogue } = this.#parts;
    const answered = dialogue.question({
      ask: () => channel.send(channelRequest(SERVICE.disconnectRequest, this.channelId, channel.ownEndpoint)),
      answerIn: ({ service }) => (service === SERVICE.disconnectResponse ? true : undefined),
      timeoutMs: DISCONNECT_ANSWER_MS,
      attempts: 2,
    });
    this.endedByServer = true;
    this.lose(new AddonError('noLink', 'the tunnel was closed'));
    await answered;
  }

  /** Ends it from this side, without a word to the server. */
  lose(reason: AddonError): void {
    if (this.#endReason) return;
    this.#endReason = reason;
    this.#heartbeat.stop();
    this.#confirmation.settle(new LinkLost(reason));
    this.#end(reason);
  }

  /** A frame of the server that answered no question. */
  receive({ service, body }: IpFrame): void {
    if (this.#endReason) return;
    if (service === SERVICE.tunnellingRequest) this.#receiveTelegram(body);
    if (service === SERVICE.disconnectRequest) this.#serverDisconnects(body);
  }

  /** Any frame shows that the server lives. */
  heard(): void {
    this.#heartbeat.heard();
  }

  async #transmit(cemi: Buffer): Promise<void> {
    const { channel, dialogue, server, dataEndpoint } = this.#parts;
    const sequence = this.#nextOut;
    const frame = tunnellingRequest(this.channelId, sequence, cemi);
    if (channel.reliable) channel.send(frame, dataEndpoint);
    else {
      const status = await dialogue.question({
        ask: () => channel.send(frame, dataEndpoint),
        answerIn: (answer) => this.#acknowledged(answer, sequence),
        timeoutMs: ACK_MS,
        attempts: 2,
      });
      if (status === undefined) this.lose(noAnswer(server, 'to a telegram'));
      else if (status !== STATUS_OK) this.lose(refusedBy(server, status));
    }
    if (this.#endReason) throw new LinkLost(this.#endReason);
    this.#nextOut = (sequence + 1) & 255;
  }

  #acknowledged({ service, body }: IpFrame, sequence: number): number | undefined {
    const ack = service === SERVICE.tunnellingAck ? parseNumbered(body) : undefined;
    return ack?.channel === this.channelId && ack.sequence === sequence ? ack.status : undefined;
  }

  #receiveTelegram(body: Buffer): void {
    const { channel, dataEndpoint, onTelegram } = this.#parts;
    const request = parseNumbered(body);
    if (request?.channel !== this.channelId) return;
    const { sequence, payload } = request;
    if (!channel.reliable) {
      const repeated = sequence === ((this.#nextIn + 255) & 255);
      // neither the next one nor its forerunner: dropped without a word (2.6)
      if (sequence !== this.#nextIn && !repeated) return;
      channel.send(tunnellingAck(this.channelId, sequence), dataEndpoint);
      if (repeated) return;
      this.#nextIn = (sequence + 1) & 255;
    }
    const message = decodeCemi(payload);
    if (message === undefined) return;
    if (message.kind === 'indication') onTelegram(message);
    else if (message.kind === 'confirmation') this.#confirmation.receive(message);
  }

  #serverDisconnects(body: Buffer): void {
    const { channel, server } = this.#parts;
    const request = parseChannelStatus(body);
    if (request?.channel !== this.channelId) return;
    channel.send(channelResponse(SERVICE.disconnectResponse, this.channelId, STATUS_OK));
    this.endedByServer = true;
    this.lose(
      new AddonError('noLink', `the KNXnet/IP server ${server} has ended the tunnel`, {
        hint: 'it was restarted, or another client took its place: the gateway connects again by itself',
      }),
    );
  }

  /** CONNECTIONSTATE_REQUEST, 03_08_02 Core, 5.4. */
  async #askState(): Promise<void> {
    const { channel, dialogue, server } = this.#parts;
    const status = await dialogue.question({
      ask: () =>
        channel.send(channelRequest(SERVICE.connectionStateRequest, this.channelId, channel.ownEndpoint)),
      answerIn: ({ service, body }) => {
        const answer = service === SERVICE.connectionStateResponse ? parseChannelStatus(body) : undefined;
        return answer?.channel === this.channelId ? answer.status : undefined;
      },
      timeoutMs: HEARTBEAT_ANSWER_MS,
      attempts: HEARTBEAT_ATTEMPTS,
    });
    if (status === undefined) this.lose(noAnswer(server, 'to the heartbeat'));
    else if (status !== STATUS_OK) this.lose(refusedBy(server, status));
    else this.#parts.onAlive();
  }
}
