import assert from 'node:assert/strict';
import { ApiUnderTest } from './support/api-under-test.ts';
import { connectClient } from './support/realtime-clients.ts';

const TOKEN = '/authentication/v1/oauth/token';
/** The text format, 0.0.4: a sample is a name, labels, a value. */
const SAMPLE =
  /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?|[+-]Inf|Na[nN])$/;

class Scrape {
  readonly types = new Map<string, string>();
  readonly samples = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# HELP ')) continue;
      const [, family = '', type = ''] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      if (family !== '') {
        assert.equal(this.types.has(family), false, `${family} twice`);
        this.types.set(family, type);
        continue;
      }
      const [, name, labels, value] = SAMPLE.exec(line) ?? [];
      assert.ok(name, `not a sample: ${line}`);
      const key = labels ? `${name}{${labels}}` : name;
      assert.equal(this.samples.has(key), false, `${key} twice`);
      this.samples.set(key, Number(value === '+Inf' ? Number.POSITIVE_INFINITY : value));
    }
  }

  of(key: string): number | undefined {
    return this.samples.get(key);
  }
}

describe('the metrics', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start({
      anonymous: 'read',
      rateLimits: { clientPerSecond: 0, anonymousPerSecond: 2 },
    });
  });
  afterEach(() => gate.stop());

  const scrape = async () => {
    const { status, body, headers } = await gate.callLocally<string>('/metrics');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    return new Scrape(body);
  };

  it('are named after Prometheus’ conventions, each family once', async () => {
    const { types, samples } = await scrape();
    assert.ok(samples.size > 60, `${samples.size} samples`);
    for (const [family, type] of types) {
      assert.equal(family.endsWith('_total'), type === 'counter', `${family} is a ${type}`);
      if (!family.startsWith('gate_')) continue;
      assert.doesNotMatch(family, /_(ms|milliseconds|mb|kb|percent)(_|$)/, family);
      if (type === 'histogram') assert.match(family, /_(seconds|bytes)$/);
    }
    for (const family of [
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_seconds',
      'process_cpu_seconds_total',
    ]) {
      assert.ok(types.has(family), family);
    }
  });

  it('count requests by route and status, with how long they took', async () => {
    await gate.callLocally('/device/v1/devices');
    await gate.callLocally('/device/v1/devices/nobody');
    await gate.callLocally('/device/v1/devices/somebody');
    await gate.callLocally('/nothing', { method: 'PROPFIND' });
    const { samples } = await scrape();
    const requests = (labels: string) => samples.get(`gate_http_requests_total{${labels}}`);
    assert.equal(requests('method="GET",route="/device/v1/devices",status="200"'), 1);
    assert.equal(requests('method="GET",route="/device/v1/devices/:deviceId",status="404"'), 2);
    assert.equal(requests('method="other",route="none",status="404"'), 1);
    const duration = 'gate_http_request_duration_seconds';
    const labels = 'method="GET",route="/device/v1/devices/:deviceId"';
    assert.equal(samples.get(`${duration}_count{${labels}}`), 2);
    assert.equal(samples.get(`${duration}_bucket{le="+Inf",${labels}}`), 2);
    assert.ok((samples.get(`${duration}_sum{${labels}}`) ?? 0) > 0);
    const buckets = [...samples].filter(
      ([key]) => key.startsWith(`${duration}_bucket`) && key.includes(labels),
    );
    const counts = buckets.map(([, count]) => count);
    assert.deepEqual(
      counts,
      [...counts].sort((a, b) => a - b),
    );
  });

  it('tell of what was relayed to the cloud, and of what it has not got', async () => {
    gate.figures.relayed.add('live', 2);
    gate.figures.relayed.add('backlog', 900);
    gate.figures.notRelayed.add('size', 7);
    gate.backlog = { readings: 41, sinceMs: Date.now() - 60_000 };
    const found = await scrape();
    assert.equal(found.of('gate_relayed_readings_total{flow="live"}'), 2);
    assert.equal(found.of('gate_relayed_readings_total{flow="backlog"}'), 900);
    assert.equal(found.of('gate_readings_dropped_unrelayed_total{reason="size"}'), 7);
    assert.equal(found.of('gate_relay_backlog_readings'), 41);
    assert.ok(Number(found.of('gate_relay_backlog_age_seconds')) >= 60);
    gate.backlog = { readings: 0 };
    assert.equal((await scrape()).of('gate_relay_backlog_age_seconds'), 0);
  });

  it('tell of readings by add-on, and of commits', async () => {
    gate.figures.recorded.add('http', 3);
    gate.figures.repeated.add('http');
    gate.figures.refused.add('knx', 2);
    gate.figures.dropped.add('age', 500);
    gate.figures.commitSeconds.add(0.004);
    const found = await scrape();
    assert.equal(found.of('gate_readings_recorded_total{addon="http"}'), 3);
    assert.equal(found.of('gate_readings_repeated_total{addon="http"}'), 1);
    assert.equal(found.of('gate_readings_refused_total{addon="knx"}'), 2);
    assert.equal(found.of('gate_readings_dropped_total{reason="age"}'), 500);
    assert.equal(found.of('gate_commit_duration_seconds_bucket{le="0.0025"}'), 0);
    assert.equal(found.of('gate_commit_duration_seconds_bucket{le="0.005"}'), 1);
    assert.equal(found.of('gate_store_bytes'), 4_096);
    assert.equal(found.of('gate_retention_limit_seconds'), 30 * 86_400);
  });

  it('tell how each part is doing, and the devices', async () => {
    gate.health.report('addon:http', 'degraded', 'no network');
    gate.health.note('addon:http', { restarts: 2, badMessages: 5 });
    await gate.devices.create({ name: 'v', isVirtual: true });
    const [, device] = gate.devices.list();
    gate.devices.reportAvailability('virtual', String(device?.id), { online: false });
    const found = await scrape();
    assert.equal(found.of('gate_part_state{part="addon:http",state="degraded"}'), 1);
    assert.equal(found.of('gate_part_state{part="addon:http",state="running"}'), 0);
    assert.equal(found.of('gate_part_restarts_total{part="addon:http"}'), 2);
    assert.equal(found.of('gate_part_refused_messages_total{part="addon:http"}'), 5);
    assert.deepEqual([found.of('gate_devices'), found.of('gate_devices_unavailable')], [1, 1]);
    assert.equal(found.of('gate_ready'), 1);
  });

  it('count clients of events, failed log-ins and refused requests', async () => {
    const client = await connectClient(gate, '4.x', ['data']);
    const body = { clientId: 'nobody', clientSecret: 'wrong' };
    await gate.call(TOKEN, { method: 'POST', body });
    let refused = 0;
    for (let n = 0; n < 50; n += 1) refused += Number((await gate.call('/health/live')).status === 429);
    assert.ok(refused > 0);
    const found = await scrape();
    assert.equal(found.of('gate_socket_clients'), 1);
    assert.equal(found.of('gate_log_in_failures_total'), 1);
    assert.equal(found.of('gate_rate_limited_requests_total{caller="anonymous"}'), refused);
    client.close();
  });

  it('are for callers who may read', async () => {
    assert.equal((await gate.call('/metrics')).status, 200);
    const closed = await ApiUnderTest.start({ anonymous: 'none' });
    assert.equal((await closed.call('/metrics')).status, 401);
    await closed.stop();
  });
});
