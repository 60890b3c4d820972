/** What is told of an installation: each step, its end with what the program wrote meanwhile, and its last lines. */
import type { LogType } from '../../lib/log-ring.ts';
import type { GatewayEventBus, GatewayEvents } from '../events.ts';
import type { Logs } from '../logs.ts';
import type { Protocols } from '../protocols/protocols.ts';
import type { InstallationJob } from './installation-job.ts';

/** Most characters of its output that are told with its end. */
const OUTPUT_MAX_CHARS = 16 * 1024;
/** Of its output, what is told with the reason. */
const LAST_LINES = 5;
const LAST_MAX_CHARS = 500;

export interface InstallationWordsParts {
  protocols: Protocols;
  logs: Logs;
  events: GatewayEventBus;
  now: () => number;
}

/** How a job ended. */
export interface JobEnd {
  slug: string;
  startedAt: number;
  said?: readonly string[];
  exitStatus: number;
  installationSuccess: boolean;
}

export class InstallationWords {
  readonly #parts: InstallationWordsParts;

  constructor(parts: InstallationWordsParts) {
    this.#parts = parts;
  }

  tellStep(change: Omit<GatewayEvents['installationChanged'], 'ts'>): void {
    this.#parts.events.emit('installationChanged', { ...change, ts: this.#parts.now() });
  }

  tellEnd({ slug, startedAt, said = [], ...end }: JobEnd): void {
    const { events, protocols, logs, now } = this.#parts;
    const { id, version } = protocols.package(slug).manifest;
    // when they came: an engine may write down the time by whole seconds
    const output = (type: LogType) => {
      const lines = logs
        .linesOf(slug)
        .filter((line) => line.type === type && line.ingestionTime >= startedAt);
      const spoken = type === 'LOG' ? said : [];
      return [...spoken, ...lines.map(({ message }) => message)]
        .map((line) => `${line}\n`)
        .join('')
        .slice(-OUTPUT_MAX_CHARS);
    };
    const [stdout, stderr] = [output('LOG'), output('ERR')];
    const image = protocols.records.container(slug)?.image.name;
    const common = { slug, protocolId: id, version, ...(image ? { image } : {}) };
    events.emit('installationEnded', { ...common, ...end, stdout, stderr, ts: now() });
  }

  /** `reason` with what its program wrote last, where that may say more; only of what goes back is all else gone then. */
  withLastLines(reason: string, { slug, startedAt, runBeganAt = startedAt, plan }: InstallationJob): string {
    // its last words may be there already
    if (!plan.undo || reason.endsWith('")')) return reason;
    const lines = this.#parts.logs.linesOf(slug).filter(({ ingestionTime }) => ingestionTime >= runBeganAt);
    const last = lines.slice(-LAST_LINES).map(({ message }) => message);
    if (last.length === 0) return `${reason}; it wrote nothing`;
    return `${reason}; it wrote last: ${last.join(' | ').slice(-LAST_MAX_CHARS)}`;
  }
}
