/**
 * What is published on one connection: when its turn comes, until it is acknowledged, refused, or the connection ends.
 * Every message ends in one of the three.
 */
import type { Packet } from 'mqtt-packet';
import { GatewayError } from '../model/error.ts';
import { wordsOf } from './link-end.ts';
import { SendGate, type SendGateParts } from './send-gate.ts';

/** A code from here on is a refusal (MQTT 5, 3.4.2.1). */
const FIRST_REFUSAL = 128;
/** The end of a connection that comes so soon after a refusal is due to it. */
const JUST_NOW_MS = 5_000;
const LAST_ID = 65_535;
/** Most messages that can be told apart (2.2.1). */
export const IDS_MAX = LAST_ID - 1;

export interface OutgoingMessage {
  topic: string;
  payload: string;
  isUrgent: boolean;
  retain: boolean;
}

interface Unacknowledged {
  topic: string;
  resolve: () => void;
  reject: (error: GatewayError) => void;
  sentAtMs: number;
}

export class OutgoingMessages {
  readonly #gate: SendGate;
  readonly #send: (packet: Packet) => void;
  readonly #monotonicNow: () => number;
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  /** Those whose turn has not come. */
  readonly #waiting = new Set<(error: GatewayError) => void>();
  #refusal: { words: string; atMs: number } | undefined;
  #lastId = 0;

  constructor(limits: SendGateParts, send: (packet: Packet) => void) {
    this.#gate = new SendGate(limits);
    this.#monotonicNow = limits.monotonicNow;
    this.#send = send;
  }

  /** How long the oldest has not been acknowledged; 0 where there is none. */
  get oldestMs(): number {
    const [oldest] = this.#unacknowledged.values();
    return oldest ? this.#monotonicNow() - oldest.sentAtMs : 0;
  }

  /** What the broker has refused just now, in words. */
  get refusal(): string | undefined {
    const { words, atMs = -Infinity } = this.#refusal ?? {};
    return this.#monotonicNow() - atMs > JUST_NOW_MS ? undefined : words;
  }

  /** @throws GatewayError cloudGone, cloudRefused */
  publish({ topic, payload, isUrgent, retain }: OutgoingMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const send = () => {
        this.#waiting.delete(reject);
        const messageId = this.takeId();
        const sentAtMs = this.#monotonicNow();
        this.#unacknowledged.set(messageId, { topic, resolve, reject, sentAtMs });
        this.#send({ cmd: 'publish', qos: 1, retain, dup: false, topic, payload, messageId });
      };
      this.#gate.submit(send, { isUrgent });
    });
  }

  acknowledged(packetId: number, code: number, said: string | undefined): void {
    const message = this.#unacknowledged.get(packetId);
    if (!message) return;
    this.#unacknowledged.delete(packetId);
    if (code < FIRST_REFUSAL) message.resolve();
    else {
      const error = refused(message.topic, code, said);
      this.#refusal = { words: error.message, atMs: this.#monotonicNow() };
      message.reject(error);
    }
    this.#gate.acknowledged();
  }

  /** One that no message has at present. */
  takeId(): number {
    do this.#lastId = this.#lastId === LAST_ID ? 1 : this.#lastId + 1;
    while (this.#unacknowledged.has(this.#lastId));
    return this.#lastId;
  }

  /** The connection is over. */
  end(): void {
    this.#gate.close();
    const error = gone();
    for (const { reject } of this.#unacknowledged.values()) reject(error);
    for (const reject of this.#waiting) reject(error);
    this.#unacknowledged.clear();
    this.#waiting.clear();
  }
}

export function gone(): GatewayError {
  return new GatewayError('cloudGone', 'the connection to the cloud ended before the broker acknowledged');
}

function refused(topic: string, code: number, said?: string): GatewayError {
  const hint = 'allow it in the policy (ACL) of this certificate at the broker';
  const words = `the broker refuses what is published to ${topic}: ${wordsOf(code)}${said ? ` (${said})` : ''}`;
  return new GatewayError('cloudRefused', words, { hint });
}
