/**
 * `/metrics` in Prometheus' text format. Loaded at the first scrape, and so is its library: until then the gateway
 * only counts. Names and units follow Prometheus' conventions: base units, `_total` for what only grows.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Distribution, Tally } from '../../lib/tally.ts';
import { PART_STATES } from '../../model/health.ts';
import type { MetricSources } from './metric-sources.ts';

/** The library's own, against the conventions: gauges that call themselves counters. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

export class Metrics {
  readonly #registry = new Registry();
  readonly #sources: MetricSources;

  constructor(sources: MetricSources) {
    this.#sources = sources;
    // process, garbage collection, event loop
    collectDefaultMetrics({ register: this.#registry });
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name);
    this.#addReadings();
    this.#addParts();
    this.#addStore();
    this.#addRelay();
    this.#addApi();
    this.#addHttp();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #addReadings(): void {
    const { figures, devices } = this.#sources;
    this.#tally('gate_readings_recorded_total', 'Readings stored, by add-on', 'addon', figures.recorded);
    this.#tally(
      'gate_readings_repeated_total',
      'Readings that were delivered again and changed nothing, by add-on',
      'addon',
      figures.repeated,
    );
    this.#tally(
      'gate_readings_refused_total',
      'Readings that were not as the add-on contract has them, by add-on',
      'addon',
      figures.refused,
    );
    this.#tally(
      'gate_readings_dropped_total',
      'Readings that retention deleted, by reason: age or size',
      'reason',
      figures.dropped,
    );
    this.#tally(
      'gate_webhook_calls_total',
      'Calls of webhooks, by result: stored, refused or wrongToken',
      'result',
      figures.webhooks,
    );
    this.#gauge('gate_devices', 'Devices below the gateway', () => devices.subDevices().length);
    this.#gauge(
      'gate_devices_unavailable',
      'Devices that do not answer just now',
      () => devices.subDevices().filter(({ id }) => devices.availability(id)?.online === false).length,
    );
  }

  /** One series for each state that a part may have: 1 for the one that it has. */
  #addParts(): void {
    const { health } = this.#sources;
    const labels = ['part', 'state'];
    new Gauge({
      name: 'gate_part_state',
      help: 'State of each part of the gateway, its add-ons among them: 1 for the state it is in',
      labelNames: labels,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [part, { state }] of Object.entries(health.ready().parts)) {
          for (const each of PART_STATES) this.set({ part, state: each }, each === state ? 1 : 0);
        }
      },
    });
    this.#partCounter('gate_part_restarts_total', 'How often an add-on was started again', 'restarts');
    this.#partCounter(
      'gate_part_refused_messages_total',
      'Messages of an add-on that were refused, whatever their kind',
      'badMessages',
    );
    this.#gauge('gate_ready', 'Whether the gateway can do its work: 1 or 0', () =>
      health.ready().status === 'notReady' ? 0 : 1,
    );
  }

  #partCounter(name: string, help: string, fact: 'restarts' | 'badMessages'): void {
    const { health } = this.#sources;
    new Counter({
      name,
      help,
      labelNames: ['part'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [part, facts] of Object.entries(health.ready().parts)) {
          if (part.startsWith('addon:')) this.inc({ part }, facts[fact] ?? 0);
        }
      },
    });
  }

  #addStore(): void {
    const { figures } = this.#sources;
    const { maxAgeSeconds, maxBytes } = figures.retention;
    this.#gauge('gate_store_bytes', 'Size of the store on disk', () => figures.storeBytes());
    this.#gauge(
      'gate_retention_limit_bytes',
      'Size past which the oldest readings are deleted',
      () => maxBytes,
    );
    this.#gauge('gate_retention_limit_seconds', 'Age past which readings are deleted', () => maxAgeSeconds);
    this.#register({
      name: 'gate_commit_duration_seconds',
      help: 'From the begin of a commit of readings until it is on disk',
      type: 'histogram',
      get: () => histogramValues('gate_commit_duration_seconds', {}, figures.commitSeconds),
    });
  }

  #addRelay(): void {
    const { figures } = this.#sources;
    this.#tally(
      'gate_relayed_readings_total',
      'Readings that the cloud has acknowledged, by flow: live or backlog',
      'flow',
      figures.relayed,
    );
    this.#tally(
      'gate_readings_dropped_unrelayed_total',
      'Readings that retention deleted before the cloud had got them, by reason: age or size',
      'reason',
      figures.notRelayed,
    );
    this.#gauge(
      'gate_relay_backlog_readings',
      'Readings that the cloud has not acknowledged yet',
      () => figures.backlog().readings,
    );
    this.#gauge('gate_relay_backlog_age_seconds', 'Age of the oldest of them; 0 where there is none', () => {
      const { sinceMs } = figures.backlog();
      return sinceMs === undefined ? 0 : Math.max(0, (Date.now() - sinceMs) / 1_000);
    });
  }

  #addApi(): void {
    const { http, sockets } = this.#sources;
    this.#gauge('gate_socket_clients', 'Clients that are sent events just now', () => sockets().clients);
    this.#counter(
      'gate_socket_clients_cut_total',
      'Clients of events that were cut because they did not keep up',
      () => sockets().cut,
    );
    this.#counter('gate_log_in_failures_total', 'Log-ins with a wrong id or secret', () => http.failedLogIns);
    this.#counter(
      'gate_log_ins_limited_total',
      'Log-ins that were refused because too many had failed',
      () => http.limitedLogIns,
    );
    this.#tally(
      'gate_rate_limited_requests_total',
      'Requests past their rate limit, by the kind of caller: client or anonymous',
      'caller',
      http.rateLimited,
    );
  }

  #addHttp(): void {
    const { http } = this.#sources;
    new Counter({
      name: 'gate_http_requests_total',
      help: 'Requests answered, by route and status; the route is "none" where there is none',
      labelNames: ['method', 'route', 'status'],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { method, route, statuses } of http.routes()) {
          for (const [status, count] of statuses.entries()) this.inc({ method, route, status }, count);
        }
      },
    });
    const name = 'gate_http_request_duration_seconds';
    this.#register({
      name,
      help: 'From a request’s headers until its answer is made, by route',
      type: 'histogram',
      get: () =>
        [...http.routes()].flatMap(({ method, route, seconds }) =>
          histogramValues(name, { method, route }, seconds),
        ),
    });
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.#registry],
      async collect() {
        this.set(await read());
      },
    });
  }

  #counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  #tally(name: string, help: string, label: string, tally: Tally): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [value, count] of tally.entries()) this.inc({ [label]: value }, count);
      },
    });
  }

  /** A metric that is counted elsewhere: the library's own histograms would have to see each value. */
  #register({ get, ...metric }: { name: string; help: string; type: string; get: () => Value[] }): void {
    const counted = {
      ...metric,
      aggregator: 'sum',
      get: async () => ({ ...metric, aggregator: 'sum', values: get() }),
    };
    this.#registry.registerMetric(counted as unknown as Gauge);
  }
}

interface Value {
  labels: Record<string, string | number>;
  value: number;
  metricName: string;
}

function histogramValues(name: string, labels: Record<string, string>, counted: Distribution): Value[] {
  const bucket = (le: string | number, value: number) => ({
    labels: { le, ...labels },
    value,
    metricName: `${name}_bucket`,
  });
  return [
    ...counted.cumulative().map(({ bound, count }) => bucket(bound, count)),
    bucket('+Inf', counted.count),
    { labels, value: counted.sum, metricName: `${name}_sum` },
    { labels, value: counted.count, metricName: `${name}_count` },
  ];
}
