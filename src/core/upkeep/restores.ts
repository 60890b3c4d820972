/**
 * A backup takes the place of this gateway: it is sent in pieces, unpacked and checked while the gateway runs, and put
 * in place when the gateway is restarted for it, which it does itself. What came of it is told by the run after it.
 */
import { GatewayError, reasonOf } from '../../model/error.ts';
import type { GatewayEventBus } from '../events.ts';
import type { BackupKey, Piece, ReceivedFiles, RestoreDesk, WorkProgress } from './maintenance-ports.ts';
import type { RestoreView } from './maintenance-views.ts';

const FILE = 'backup.age';

export interface RestoresParts {
  desk: RestoreDesk;
  received: ReceivedFiles;
  events: GatewayEventBus;
  /** Stops the gateway and starts it again. */
  restart: () => void;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class Restores {
  readonly #parts: RestoresParts;
  #view: RestoreView = { state: 'none' };
  #work: { abort: AbortController; done: Promise<void> } | undefined;

  constructor(parts: RestoresParts) {
    this.#parts = parts;
  }

  /** Finds what a restart has left: put in place, checked, or come in part. */
  async start(): Promise<void> {
    const { desk, received, events } = this.#parts;
    const outcome = await desk.outcome();
    // what was put in place just now has come
    if (outcome?.told === false) await received.drop([FILE]);
    const bytes = await received.size(FILE);
    const checked = await desk.checked();
    if (checked) this.#view = { state: 'checked', ...checked };
    else if (bytes > 0) this.#view = { state: 'receiving', bytes };
    else if (outcome) {
      const { told, ...ended } = outcome;
      this.#view = { state: 'applied', ...ended };
      if (told) return;
      // noted first: told twice would be two notifications
      await desk.markTold();
      events.emit('backupRestored', ended);
    }
  }

  async stop(): Promise<void> {
    this.#work?.abort.abort();
    await this.#work?.done;
  }

  view(): RestoreView {
    return this.#view;
  }

  /** @throws GatewayError conflict while one is checked or put in place; as `ReceivedFiles.append` */
  async receive(piece: Piece): Promise<number> {
    this.#demandFree();
    if (piece.offset === 0) await this.#parts.desk.drop();
    const bytes = await this.#parts.received.append(FILE, piece);
    this.#tell({ state: 'receiving', bytes });
    return bytes;
  }

  /** Begins to check what was sent. @throws GatewayError conflict (nothing was sent, or one is under way) */
  async check(key: BackupKey): Promise<RestoreView> {
    this.#demandFree();
    const { received } = this.#parts;
    const totalBytes = await received.size(FILE);
    if (totalBytes === 0) {
      throw new GatewayError('conflict', 'no backup was sent', {
        hint: 'send its file: POST /maintenance/v1/restore/file',
      });
    }
    this.#demandFree();
    const abort = new AbortController();
    this.#tell({ state: 'checking', phase: 'opening', bytes: 0, totalBytes });
    this.#work = { abort, done: this.#run(key, abort.signal) };
    return this.#view;
  }

  /** Has the gateway restarted, which puts the backup in place. @throws GatewayError conflict when none was checked */
  async apply(): Promise<RestoreView> {
    const { desk, received, restart } = this.#parts;
    const { state, ...facts } = this.#view;
    if (state !== 'checked') {
      throw new GatewayError('conflict', 'there is no backup that was checked', {
        hint: 'send one and have it checked first: POST /maintenance/v1/restore',
      });
    }
    await desk.order().catch((error: unknown) => {
      const { message, hint } = reasonOf(error);
      throw new GatewayError('conflict', message, { hint, cause: error });
    });
    await received.drop([FILE]);
    this.#tell({ ...facts, state: 'applying' });
    restart();
    return this.#view;
  }

  /** Lets go of what was sent or checked. @throws GatewayError conflict while it is put in place */
  async drop(): Promise<void> {
    if (this.#view.state === 'applying')
      throw new GatewayError('conflict', 'it is being put in place already');
    this.#work?.abort.abort();
    await this.#work?.done;
    await this.#parts.desk.drop();
    await this.#parts.received.drop([FILE]);
    this.#tell({ state: 'none' });
  }

  #demandFree(): void {
    if (this.#work) throw new GatewayError('conflict', 'a backup is being checked');
    if (this.#view.state === 'applying') throw new GatewayError('conflict', 'a backup is being put in place');
  }

  async #run(key: BackupKey, signal: AbortSignal): Promise<void> {
    const { desk, received, now } = this.#parts;
    try {
      const onProgress = (progress: WorkProgress) => {
        if (!signal.aborted) this.#tell({ state: 'checking', ...progress });
      };
      this.#tell({
        state: 'checked',
        ...(await desk.check(received.path(FILE), key, { onProgress, signal })),
      });
    } catch (error) {
      // what was sent stays: a wrong passphrase is no reason to send it again
      this.#tell({ state: 'failed', reason: reasonOf(error), bytes: await received.size(FILE), ts: now() });
    } finally {
      this.#work = undefined;
    }
  }

  #tell(view: RestoreView): void {
    this.#view = view;
    this.#parts.events.emit('maintenanceChanged', { of: 'restore', ...view });
  }
}
