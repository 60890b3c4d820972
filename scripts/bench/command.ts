/**
 * How long a `set` takes from the request to its answer, through the add-on and back, with authentication on: on a
 * quiet gateway, and on one that takes 1,000 readings a second meanwhile.
 */
import { Agent, request } from 'node:http';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { DEVICES, startReportingGateway, waitUntil } from './loaded-gateway.ts';
import { quantile } from './quantiles.ts';
import { count, ms } from './units.ts';

const WARM_UP_MS = 3_000;
const AIM_P99_MS = 5;
const QUANTILES = [0.5, 0.9, 0.99, 1];

interface Token {
  access_token: string;
}

/** One `set`; @returns how long it took @throws when it is not answered 200 */
function timedSet(agent: Agent, { url, token }: { url: string; token: string }): Promise<number> {
  const text = '{"on":true}';
  const headers = {
    'content-type': 'application/json',
    'content-length': text.length,
    authorization: `Bearer ${token}`,
  };
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const outgoing = request(url, { agent, method: 'POST', headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(performance.now() - startedAt);
        else reject(new Error(`set was answered ${answer.statusCode}: ${body}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}

async function timesAt(bench: Bench, readingsPerSecond: number): Promise<number[]> {
  bench.say(`${count(readingsPerSecond)} readings a second`);
  const measureMs = bench.short ? 5_000 : 20_000;
  const job = { devices: DEVICES, readingsPerSecond, warmUpMs: WARM_UP_MS, measureMs, stamped: false };
  const environment = { ON_PREMISE_ANONYMOUS: 'none', RATE_LIMIT: '0' };
  const { daemon, ids, begun, reports } = await startReportingGateway(bench.scope, job, { environment });
  const client = await daemon.api.send('POST', '/authentication/v1/clients', {
    name: 'bench',
    scopes: ['control'],
  });
  const { access_token: token } = await daemon.api.send<Token>(
    'POST',
    '/authentication/v1/oauth/token',
    client,
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const samples: number[] = [];
  try {
    await refusedWithoutToken(agent, `${daemon.url}/device/v1/control/${ids[0]}/set`);
    const from = performance.now() + WARM_UP_MS;
    const to = from + measureMs;
    for (let n = 0; performance.now() < to; n += 1) {
      const url = `${daemon.url}/device/v1/control/${ids[n % ids.length]}/set`;
      const startedAt = performance.now();
      const taken = await timedSet(agent, { url, token });
      if (startedAt >= from) samples.push(taken);
    }
    await waitUntil(begun.measureToMs);
    await reports.done();
  } finally {
    agent.destroy();
  }
  await daemon.stop();
  return samples;
}

/** Authentication is on: or the figures would say nothing of it. */
async function refusedWithoutToken(agent: Agent, url: string): Promise<void> {
  const outcome = await timedSet(agent, { url, token: 'none' }).catch((error: Error) => error.message);
  if (!String(outcome).includes('401')) throw new Error(`a set without a token: ${outcome}`);
}

async function run(bench: Bench): Promise<Section> {
  const quiet = await timesAt(bench, 1);
  const busy = await timesAt(bench, 1_000);
  const row = (name: string, samples: number[]) => [
    name,
    ...QUANTILES.map((q) => ms(quantile(samples, q))),
    count(samples.length),
  ];
  const p99 = quantile(quiet, 0.99);
  return {
    title: 'Command: `set` through the add-on and back, with authentication',
    aims: [{ what: 'p99 of a set', aim: `≤ ${AIM_P99_MS} ms`, measured: ms(p99), met: p99 <= AIM_P99_MS }],
    tables: [
      {
        title: 'From the request to its answer',
        rows: [
          ['', 'p50', 'p90', 'p99', 'max', 'samples'],
          row('quiet: 1 reading a second', quiet),
          row('while 1 000 readings a second come', busy),
        ],
      },
    ],
    notes: [],
    how: [
      `\`POST …/control/:deviceId/set\` on the LAN port with a token of scope \`control\` and \`ON_PREMISE_ANONYMOUS=none\`, one after the other over one kept-alive connection, ${DEVICES} devices in turn, for ${bench.short ? 5 : 20} s after ${WARM_UP_MS / 1_000} s to warm up.`,
      'Everything lies between: HTTP, the token’s signature, the device’s queue, the broker, the add-on’s process on the SDK, its result and the answer. The add-on’s device answers at once. Nothing is stored on the way.',
    ],
  };
}

export const command: Benchmark = { name: 'command', run };
