/**
 * The clients of the API: add, list, remove, and recognise by their secret. A secret leaves here once, when its
 * client is made; afterwards only its hash is left.
 */
import { SerialQueue } from '../../lib/serial-queue.ts';
import { shortId } from '../../lib/short-id.ts';
import { type Client, type ClientRecord, newClientSchema, type Scope } from '../../model/client.ts';
import { GatewayError } from '../../model/error.ts';
import { parseWith } from '../../model/parse.ts';
import type { GatewayEventBus } from '../events.ts';
import type { ClientStore } from '../ports.ts';
import { SecretHasher } from './secret-hash.ts';

export const CLIENTS_MAX = 1_000;
const CLIENT_ID_LENGTH = 16;
/** Changes that wait for the store; past it callers are refused with 429. */
const CHANGES_WAITING_MAX = 100;
/** The time of a log-in is written at most so often: it is not worth wearing a card for. */
const LAST_USED_SAVED_EVERY_MS = 15 * 60_000;

/** A new client, with the secret that is shown this once. */
export interface ClientCredentials {
  clientId: string;
  clientSecret: string;
  name: string;
  scopes: Scope[];
}

export interface ClientsParts {
  store: ClientStore;
  events: GatewayEventBus;
  now: () => number;
}

export class Clients {
  readonly #parts: ClientsParts;
  readonly #hasher = new SecretHasher();
  readonly #changes = new SerialQueue(CHANGES_WAITING_MAX);
  readonly #records = new Map<string, ClientRecord>();
  /** When the time of each client's last log-in was written. */
  readonly #lastUsedSavedAt = new Map<string, number>();

  constructor(parts: ClientsParts) {
    this.#parts = parts;
  }

  /** Takes what the store holds. */
  async start(): Promise<void> {
    for (const record of this.#parts.store.clients()) this.#records.set(record.clientId, record);
  }

  /** The oldest first. */
  list(): Client[] {
    return [...this.#records.values()]
      .map(({ secret: _, tokenVersion: __, ...client }) => client)
      .sort((a, b) => a.createdAt - b.createdAt);
  }

  has(clientId: string): boolean {
    return this.#records.has(clientId);
  }

  /** What tokens of this client must be of; undefined when there is no such client. */
  tokenVersion(clientId: string): number | undefined {
    return this.#records.get(clientId)?.tokenVersion;
  }

  /** `input` is what a caller sent. @throws GatewayError badRequest, conflict (too many) */
  async add(input: unknown): Promise<ClientCredentials> {
    const { name, scopes } = parseWith(newClientSchema, input, 'client');
    const clientSecret = this.#hasher.newSecret();
    const secret = await this.#hasher.hash(clientSecret);
    const clientId = shortId(CLIENT_ID_LENGTH);
    await this.#changes.run(async () => {
      if (this.#records.size >= CLIENTS_MAX) {
        throw new GatewayError('conflict', `there are ${CLIENTS_MAX} clients already, and no more are kept`, {
          hint: 'remove one that is not used',
        });
      }
      await this.#save({ clientId, name, scopes, createdAt: this.#parts.now(), tokenVersion: 1, secret });
    });
    return { clientId, clientSecret, name, scopes };
  }

  /** Its tokens are void from now on. @throws GatewayError notFound */
  async remove(clientId: string): Promise<void> {
    await this.#changes.run(async () => {
      this.#find(clientId);
      await this.#parts.store.removeClient(clientId);
      this.#records.delete(clientId);
      this.#lastUsedSavedAt.delete(clientId);
    });
    this.#parts.events.emit('clientTokensVoided', { clientId });
  }

  /** Voids the tokens given out so far; the client logs in again. @throws GatewayError notFound */
  async voidTokens(clientId: string): Promise<void> {
    await this.#changes.run(async () => {
      const record = this.#find(clientId);
      await this.#save({ ...record, tokenVersion: record.tokenVersion + 1 });
    });
    this.#parts.events.emit('clientTokensVoided', { clientId });
  }

  /**
   * The client with this id and this secret.
   * @throws GatewayError unauthorized, the same for either being wrong; tooManyRequests
   */
  async logIn(clientId: string, clientSecret: string): Promise<Client> {
    const record = this.#records.get(clientId);
    const matches = await this.#hasher.matches(clientSecret, record?.secret);
    // removed while the hash was made: gone is gone
    const still = this.#records.get(clientId);
    if (!matches || still === undefined) {
      throw new GatewayError('unauthorized', 'there is no client with this id and this secret', {
        oauthError: 'invalid_client',
      });
    }
    const { secret: _, tokenVersion: __, ...client } = this.#noteUse(still);
    this.#parts.events.emit('clientLoggedIn', { clientId });
    return client;
  }

  #noteUse(record: ClientRecord): ClientRecord {
    const { clientId } = record;
    const lastUsedAt = this.#parts.now();
    const used = { ...record, lastUsedAt };
    this.#records.set(clientId, used);
    const savedAt = this.#lastUsedSavedAt.get(clientId);
    // the distance, for a clock that was set back
    if (savedAt === undefined || Math.abs(lastUsedAt - savedAt) >= LAST_USED_SAVED_EVERY_MS) {
      this.#lastUsedSavedAt.set(clientId, lastUsedAt);
      // a full disk must not keep a client out; removed meanwhile, it stays removed
      void this.#changes.run(async () => this.#saveAgain(clientId)).catch(() => undefined);
    }
    return used;
  }

  async #saveAgain(clientId: string): Promise<void> {
    const record = this.#records.get(clientId);
    if (record) await this.#parts.store.saveClient(record);
  }

  async #save(record: ClientRecord): Promise<void> {
    await this.#parts.store.saveClient(record);
    this.#records.set(record.clientId, record);
  }

  #find(clientId: string): ClientRecord {
    const record = this.#records.get(clientId);
    if (record) return record;
    throw new GatewayError('notFound', `there is no client "${clientId}"`, {
      hint: 'GET /authentication/v1/clients lists them',
    });
  }
}
