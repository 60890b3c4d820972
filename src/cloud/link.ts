/**
 * The life of the link to the cloud: connects with what lies in the credentials folder, subscribes, notices the end,
 * and comes back with back-off until `stop`. Whatever keeps it from being connected is told in words. Credentials that
 * are replaced are tried beside the connection there is, which goes on when they do not work.
 */
import { GatewayError } from '../model/error.ts';
import { CloudConnection, type Incoming } from './connection.ts';
import { type Credentials, credentialsStamp, readCredentials } from './credentials.ts';
import { SUBSCRIBE_TOPICS_MAX } from './limits.ts';
import type { Endpoint, LinkEnd } from './link-end.ts';
import type { Keys } from './mqtt-wire.ts';
import type { Retry } from './retry.ts';
import type { SendLimits } from './send-gate.ts';
import type { CloudTopics } from './topics.ts';

const LOOK_EVERY_MS = 5_000;
/** MQTT 3.1.1 does not say that another client took the id: so many connections in a row that were ended at once do. */
const ENDED_AT_ONCE_MAX = 3;
const AT_ONCE_MS = 20_000;
const REFUSED = 128;
const REPLACED: LinkEnd = {
  code: 'CLIENT_INITIATED_DISCONNECT',
  reason: 'its credentials were replaced',
};

export interface LinkParts {
  endpoint: Endpoint;
  credentialsFolder: string;
  topics: CloudTopics;
  limits: SendLimits;
  keepAliveSeconds: number;
  will: { topic: string; payload: string };
  retry: Retry;
  monotonicNow: () => number;
  /** What an end has to do with the clock, to be added to its words. */
  aboutTime: () => string;
  onMessage: (message: Incoming) => Promise<void>;
  /** `refused`: topics that the broker does not let the gateway subscribe to. */
  onUp: (connection: CloudConnection, refused: readonly string[]) => void;
  /** A connection that was up has ended, or was ended by the gateway. */
  onDown: (end: LinkEnd & { byUs: boolean }) => void;
  /** It is not connected, and why; or it is, and what the credentials folder holds now cannot be used. */
  onTrouble: (reason: string) => void;
  /** The credentials in use: at each connection, and when they were replaced. */
  onCredentials: (credentials: Credentials) => void;
}

/** An attempt that did not come to a connection. */
class AttemptFailed extends Error {
  readonly end: LinkEnd;

  constructor(end: LinkEnd) {
    super(end.reason);
    this.end = end;
  }
}

export class CloudLink {
  readonly #parts: LinkParts;
  #current: CloudConnection | undefined;
  #upSinceMs: number | undefined;
  #isReplacing = false;
  #version: 4 | 5 = 5;
  #startAnew = false;
  #endedAtOnce = 0;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #stamp = '';
  #stopped = true;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Begins to connect; never fails, but tries on until `stop`. */
  start(): void {
    this.#stopped = false;
    this.#look = setInterval(() => void this.#lookAtCredentials(), LOOK_EVERY_MS);
    this.#look.unref();
    void this.#attempt();
  }

  /** Ends the connection in order and does not come back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#look);
    const end: LinkEnd = { code: 'CLIENT_INITIATED_DISCONNECT', reason: 'the gateway stops' };
    await this.#current?.close(end);
  }

  /**
   * Connects with these keys beside the connection there is, and takes its place; that goes on when it does not work.
   * `afterwards` may change the files of the credentials: it is called once the link is whole, and not where the
   * broker refuses a subscription.
   * @throws GatewayError unavailable saying why it did not work
   */
  async replaceWith(keys: Keys, afterwards?: () => Promise<void>): Promise<void> {
    if (this.#isReplacing) throw new GatewayError('unavailable', 'credentials are being tried already');
    this.#isReplacing = true;
    clearTimeout(this.#timer);
    try {
      const connection = await this.#open(keys);
      const before = this.#current;
      this.#current = connection;
      if (before !== connection) before?.destroy(REPLACED);
      this.#down({ ...REPLACED, byUs: true });
      await this.#welcome(connection, { demandWhole: afterwards !== undefined });
      await afterwards?.();
      const { credentialsFolder, onCredentials } = this.#parts;
      this.#stamp = await credentialsStamp(credentialsFolder);
      onCredentials(await readCredentials(credentialsFolder));
    } catch (error) {
      if (!(error instanceof AttemptFailed)) throw error;
      throw new GatewayError('unavailable', error.message, { cause: error });
    } finally {
      this.#isReplacing = false;
      // the one before may have ended meanwhile
      if (!this.#current || this.#current.end) this.#retry(0, false);
    }
  }

  async #attempt(): Promise<void> {
    const { credentialsFolder, onCredentials, onTrouble } = this.#parts;
    try {
      this.#stamp = await credentialsStamp(credentialsFolder);
      const credentials = await readCredentials(credentialsFolder);
      onCredentials(credentials);
      if (this.#stopped) return;
      const connection = await this.#open(credentials);
      await this.#welcome(connection);
    } catch (error) {
      if (this.#stopped || this.#isReplacing) return;
      onTrouble((error as Error).message);
      this.#retry(0, error instanceof AttemptFailed && error.end.code === 'DUPLICATE_CLIENTID');
    }
  }

  /** @throws AttemptFailed */
  #open(keys: Keys): Promise<CloudConnection> {
    const { endpoint, topics, keepAliveSeconds, limits, will, monotonicNow, onMessage } = this.#parts;
    return new Promise((resolve, reject) => {
      const connection = new CloudConnection({
        endpoint,
        keys,
        clientId: topics.clientId,
        version: this.#version,
        startAnew: this.#startAnew,
        keepAliveSeconds,
        limits,
        will,
        monotonicNow,
        onMessage,
        onReady: resolve,
        onEnd: (end) => {
          if (end.tryOtherVersion) this.#version = this.#version === 5 ? 4 : 5;
          if (end.startAnew) this.#startAnew = true;
          const said = end.concernsTime ? { ...end, reason: `${end.reason}${this.#parts.aboutTime()}` } : end;
          reject(new AttemptFailed(said));
          this.#ended(connection, said);
        },
      });
      // stopped meanwhile: there is nobody who would end it
      if (this.#stopped) connection.destroy({ code: 'CLIENT_INITIATED_DISCONNECT', reason: 'stopped' });
      else this.#current ??= connection;
    });
  }

  /** @throws AttemptFailed */
  async #welcome(connection: CloudConnection, { demandWhole = false } = {}): Promise<void> {
    const { topics, monotonicNow, onUp } = this.#parts;
    this.#startAnew = false;
    const refused: string[] = [];
    const { subscriptions } = topics;
    for (let at = 0; at < subscriptions.length; at += SUBSCRIBE_TOPICS_MAX) {
      const group = subscriptions.slice(at, at + SUBSCRIBE_TOPICS_MAX);
      const codes = await connection.subscribe(group);
      if (connection.end) throw new AttemptFailed(connection.end);
      refused.push(...group.filter((_, index) => (codes[index] ?? REFUSED) >= REFUSED));
    }
    if (demandWhole) await this.#demandWhole(connection, refused);
    this.#upSinceMs = monotonicNow();
    onUp(connection, refused);
  }

  /** That it may hear what the cloud asks, and say what it has to say. @throws AttemptFailed */
  async #demandWhole(connection: CloudConnection, refused: readonly string[]): Promise<void> {
    const { topics, will } = this.#parts;
    const missing = refused.find((topic) => !topics.isOptional(topic));
    try {
      if (missing !== undefined) throw new Error(`the broker refuses the subscription to ${missing}`);
      const connected = JSON.stringify({ eventType: 'connected' });
      await connection.publish(will.topic, connected, { isUrgent: true, retain: true });
    } catch (error) {
      const end: LinkEnd = { code: 'FORBIDDEN_ACCESS', reason: (error as Error).message };
      connection.destroy(end);
      throw new AttemptFailed(end);
    }
  }

  #ended(connection: CloudConnection, end: LinkEnd): void {
    if (connection !== this.#current) return;
    this.#current = undefined;
    const livedMs = this.#upSinceMs === undefined ? 0 : this.#parts.monotonicNow() - this.#upSinceMs;
    if (this.#upSinceMs === undefined && !this.#stopped) return; // its attempt tells
    if (this.#isReplacing) {
      // the broker has ended it for the new one, or it is tried again when that has failed
      this.#down({ ...REPLACED, byUs: true });
      return;
    }
    const told = this.#suspecting(end, livedMs, connection.refusal);
    this.#down({ ...told, byUs: this.#stopped });
    if (this.#stopped) return;
    this.#parts.onTrouble(told.reason);
    this.#retry(livedMs, told.code === 'DUPLICATE_CLIENTID');
  }

  #down(end: LinkEnd & { byUs: boolean }): void {
    if (this.#upSinceMs === undefined) return;
    this.#upSinceMs = undefined;
    this.#parts.onDown(end);
  }

  /** A broker of MQTT 3.1.1 closes the connection and says nothing; mosquitto also after it has refused something. */
  #suspecting(end: LinkEnd, livedMs: number, refusal: string | undefined): LinkEnd {
    if (refusal !== undefined && end.code === 'CONNECTION_LOST') {
      this.#endedAtOnce = 0;
      return { ...end, code: 'FORBIDDEN_ACCESS', reason: `${refusal}; then ${end.reason}` };
    }
    const isSilent = end.code === 'CONNECTION_LOST' && livedMs < AT_ONCE_MS;
    this.#endedAtOnce = isSilent ? this.#endedAtOnce + 1 : 0;
    if (this.#endedAtOnce < ENDED_AT_ONCE_MAX) return end;
    const reason = `${end.reason} soon after it was made, ${this.#endedAtOnce} times in a row: perhaps another client connects with the id of this gateway`;
    return { ...end, code: 'DUPLICATE_CLIENTID', reason };
  }

  #retry(livedMs: number, isTakenOver: boolean): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    const waitMs = this.#parts.retry.afterEnd({ livedMs, isTakenOver });
    this.#timer = setTimeout(() => void this.#attempt(), waitMs);
  }

  /** Files that were replaced are taken at once, without a restart. */
  async #lookAtCredentials(): Promise<void> {
    const { credentialsFolder, onTrouble } = this.#parts;
    const stamp = await credentialsStamp(credentialsFolder);
    if (stamp === this.#stamp || this.#isReplacing || this.#stopped) return;
    this.#stamp = stamp;
    try {
      const credentials = await readCredentials(credentialsFolder);
      // a connection that is being made ends by itself, and is made with the new ones
      if (this.#current && this.#upSinceMs === undefined) return;
      await this.replaceWith(credentials);
    } catch (error) {
      const goesOn = this.#upSinceMs === undefined ? '' : '; the link goes on with those before';
      onTrouble(`the credentials that were replaced do not work: ${(error as Error).message}${goesOn}`);
    }
  }
}
