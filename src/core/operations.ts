/**
 * What is answered later: status requests to devices, actions of add-ons. Begun at once, kept until their `ttl`.
 * Every one ends: with the answer, or with the reason why there is none.
 */
import { GatewayError, reasonOf } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import type { Operation } from '../model/operation.ts';
import type { Commands } from './commands.ts';
import type { Devices } from './devices/devices.ts';
import type { OperationStore } from './ports.ts';

/** How long a result can be fetched. */
const KEPT_SECONDS = 7 * 86_400;
/** Most operations that are kept at one time; a further one is told to come back later. */
export const OPERATIONS_MAX = 20_000;

export interface OperationsParts {
  store: OperationStore;
  devices: Devices;
  commands: Commands;
  projectId: string;
  now: () => number;
  newId: () => string;
  /** The result of an operation could not be kept. */
  onTrouble: (error: unknown) => void;
}

/** Whom an operation concerns. */
export type OperationSubject = Pick<Operation, 'deviceId' | 'protocolId' | 'action'>;

export class Operations {
  readonly #parts: OperationsParts;

  constructor(parts: OperationsParts) {
    this.#parts = parts;
  }

  /** What a restart interrupted has failed: nobody will bring its result any more. */
  async start(): Promise<void> {
    const { store } = this.#parts;
    const error = {
      code: 'interrupted',
      message: 'the gateway was restarted before the answer came',
      hint: 'ask again',
    };
    for (const operation of await store.pending())
      await store.save({ ...operation, outcome: { state: 'failed', error } });
  }

  /** Asks a device for its status; the result is fetched by the operation's id. @throws GatewayError notFound, badRequest, tooManyRequests */
  async begin(deviceId: string, params: JsonObject, timeoutMs: number): Promise<Operation> {
    const { devices, commands } = this.#parts;
    if (devices.get(deviceId).isGateway)
      throw new GatewayError('badRequest', 'the gateway itself takes no commands');
    return this.beginWith({ deviceId }, (operation) => commands.get(deviceId, params, timeoutMs, operation));
  }

  /**
   * Begins `work`, whose value or error becomes the operation's outcome. `work` must end by itself.
   * @throws GatewayError tooManyRequests
   */
  async beginWith(
    subject: OperationSubject,
    work: (operation: Operation) => Promise<JsonValue>,
  ): Promise<Operation> {
    const { store, projectId, now, newId } = this.#parts;
    if ((await store.count()) >= OPERATIONS_MAX) {
      throw new GatewayError('tooManyRequests', `${OPERATIONS_MAX} results are kept already`, {
        retryAfterSeconds: 60,
      });
    }
    const ttl = Math.floor(now() / 1_000) + KEPT_SECONDS;
    const operation: Operation = { id: newId(), projectId, ...subject, ttl, outcome: { state: 'pending' } };
    await store.save(operation);
    void this.#carryOut(operation, work);
    return operation;
  }

  /** @throws GatewayError notFound when there is none, or its `ttl` has passed */
  async find(id: string): Promise<Operation> {
    const operation = await this.#parts.store.find(id);
    if (operation) return operation;
    throw new GatewayError('notFound', `there is no operation "${id}"`, {
      hint: 'a result is kept for 7 days',
    });
  }

  async #carryOut(operation: Operation, work: (operation: Operation) => Promise<JsonValue>): Promise<void> {
    const { store, onTrouble } = this.#parts;
    const outcome = await work(operation).then(
      (response): Operation['outcome'] => ({ state: 'done', response }),
      (error): Operation['outcome'] => ({ state: 'failed', error: reasonOf(error) }),
    );
    await store.save({ ...operation, outcome }).catch(onTrouble);
  }
}
