/** What the cloud is told, out of what happens in the gateway: the reports of the cloud contract's table. */
import type { Devices } from '../core/devices/devices.ts';
import type { GatewayEventBus, GatewayEvents } from '../core/events.ts';
import { installationReport, ownVersion, versionName } from '../core/installations/installation-report.ts';
import type { Protocols } from '../core/protocols/protocols.ts';
import type { Dispose } from '../lib/event-bus.ts';
import type { LogLine } from '../lib/log-ring.ts';
import { GatewayError, type Reason, reasonOf } from '../model/error.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';
import { MESSAGE_MAX_BYTES } from './limits.ts';
import type { ReportOutbox } from './report-outbox.ts';
import type { CloudTopics } from './topics.ts';

/** Lines of each log that are kept while there is no link. */
const MISSED_LINES_MAX = 200;
/** What stands around the lines of a message. */
const ENVELOPE_BYTES = 64;

export interface ReportsParts {
  outbox: ReportOutbox;
  topics: CloudTopics;
  devices: Devices;
  protocols: Protocols;
  events: GatewayEventBus;
  /** Of gate. */
  version: string;
  now: () => number;
}

/** How an installation that was not even begun ended. */
export interface RefusedInstallation {
  slug: string;
  protocolId: string;
  error: unknown;
}

type SentLine = Pick<LogLine, 'message' | 'type' | 'timestamp'>;

export class CloudReports {
  readonly #parts: ReportsParts;
  readonly #missed = new Map<string, SentLine[]>();
  #disposers: Dispose[] = [];

  constructor(parts: ReportsParts) {
    this.#parts = parts;
  }

  start(): void {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('devicePairingChanged', ({ device }) => void this.device(device.id)),
      events.on('deviceRemoved', ({ device }) => {
        const reason = { code: 'removed', message: 'the device was deleted' };
        void this.notPaired(device.id, reason);
      }),
      events.on('installationEnded', (ended) => void this.#installation(ended)),
      events.on('updateEnded', (update) => this.#update(update)),
      events.on('logsGathered', ({ log, lines }) => this.#logs(log, lines)),
    ];
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
  }

  /** At each connection: which versions run here, and what was logged meanwhile. */
  welcome(): void {
    const { outbox, topics } = this.#parts;
    void outbox.send(topics.of('discover', 'version'), { versions: this.#versions() });
    for (const [log, lines] of this.#missed) this.#sendLines(log, lines);
    this.#missed.clear();
  }

  /** Where the pairing of a device stands; `refusal`: why what was asked of it is not done. */
  device(deviceId: string, refusal?: Reason): Promise<void> {
    const { devices, outbox, topics } = this.#parts;
    const status = devices.find(deviceId)?.status;
    const isPairing =
      status?.eventType === 'discovering' ||
      status?.eventType === 'paired' ||
      status?.eventType === 'not_paired';
    if (!isPairing && refusal === undefined) return Promise.resolve();
    const reason = refusal ?? status?.reason;
    const told: JsonObject = { eventType: isPairing ? status.eventType : 'not_paired' };
    if (reason !== undefined) Object.assign(told, { reason: { ...reason } });
    return outbox.send(topics.of('discover', 'device'), { deviceId, status: told });
  }

  notPaired(deviceId: string, reason: Reason): Promise<void> {
    const { outbox, topics } = this.#parts;
    const status = { eventType: 'not_paired', reason: { ...reason } };
    return outbox.send(topics.of('discover', 'device'), { deviceId, status });
  }

  /** The answer to a `get`, or why there is none. */
  fetch(
    { deviceId, requestId }: { deviceId: string; requestId: string },
    outcome: { payload: JsonValue } | { error: unknown },
  ): Promise<void> {
    const { devices, outbox, topics } = this.#parts;
    const topic = topics.of('control', deviceId, 'fetch');
    const of = { requestId, deviceId, projectId: devices.projectId };
    if ('error' in outcome) return outbox.send(topic, { error: { ...reasonOf(outcome.error) }, ...of });
    const message = { payload: outcome.payload, ...of };
    if (Buffer.byteLength(JSON.stringify(message)) <= MESSAGE_MAX_BYTES) return outbox.send(topic, message);
    const words = `what the device answered is larger than the ${MESSAGE_MAX_BYTES} bytes of a message`;
    return outbox.send(topic, { error: { ...reasonOf(new GatewayError('tooLarge', words)) }, ...of });
  }

  /** An installation or an update that is not done. */
  refusedInstallation({ slug, protocolId, error }: RefusedInstallation): Promise<void> {
    const reason = reasonOf(error);
    const end = { exitStatus: 1, installationSuccess: false, stdout: '', stderr: reason.message };
    return this.#installation({ slug, protocolId, version: '', ...end, ts: this.#parts.now() }, reason);
  }

  /** What is installed as it shall be already. */
  installedAlready(slug: string): Promise<void> {
    const { protocols, now } = this.#parts;
    const { id: protocolId, version, image } = protocols.get(slug);
    const end = { exitStatus: 0, installationSuccess: true, stdout: '', stderr: '' };
    const what = { slug, protocolId, version, ...(image ? { image: image.name } : {}) };
    return this.#installation({ ...what, ...end, ts: now() });
  }

  certificate(report: JsonObject): Promise<void> {
    const { outbox, topics } = this.#parts;
    return outbox.send(topics.of('discover', 'certificate'), report);
  }

  /** The version of gate that was asked for is the one that runs. */
  runsAlready(version: string): Promise<void> {
    return this.#software({ version });
  }

  #update({ of, version, failure }: GatewayEvents['updateEnded']): void {
    if (of === 'gate') void this.#software({ version, ...(failure === undefined ? {} : { failure }) });
  }

  /** What runs now, and whether that is what it should have become. */
  #software(update: { version: string; failure?: string }): Promise<void> {
    const { outbox, topics } = this.#parts;
    return outbox.send(topics.of('discover', 'version'), { versions: this.#versions(), update });
  }

  #installation(ended: GatewayEvents['installationEnded'], refusal?: Reason): Promise<void> {
    const { outbox, topics, version } = this.#parts;
    const report: JsonObject = installationReport(ended, version);
    if (refusal) report['reason'] = { ...refusal };
    return outbox.send(topics.of('discover', 'protocol'), report);
  }

  #logs(log: string, lines: readonly LogLine[]): void {
    const sent = lines.map(({ message, type, timestamp }) => ({ message, type, timestamp }));
    if (this.#parts.outbox.isUp) this.#sendLines(log, sent);
    else this.#missed.set(log, [...(this.#missed.get(log) ?? []), ...sent].slice(-MISSED_LINES_MAX));
  }

  /** In as many messages as their size asks for. */
  #sendLines(log: string, lines: readonly SentLine[]): void {
    const { outbox, topics } = this.#parts;
    const topic = topics.of('discover', log, 'logs');
    let logs: SentLine[] = [];
    let bytes = ENVELOPE_BYTES;
    const send = () => void outbox.send(topic, { logs: logs.map((line) => ({ ...line })) });
    for (const line of lines) {
      const size = Buffer.byteLength(JSON.stringify(line)) + 1;
      if (logs.length > 0 && bytes + size > MESSAGE_MAX_BYTES) {
        send();
        logs = [];
        bytes = ENVELOPE_BYTES;
      }
      logs.push(line);
      bytes += size;
    }
    if (logs.length > 0) send();
  }

  #versions(): Record<string, string> {
    const { protocols, version: own } = this.#parts;
    const installed = protocols.list().filter(({ slug }) => protocols.isInstalled(slug));
    return {
      ...ownVersion(own),
      ...Object.fromEntries(
        installed.map(({ slug, version, image }) => [
          slug,
          versionName({ slug, version, image: image?.name }),
        ]),
      ),
    };
  }
}
