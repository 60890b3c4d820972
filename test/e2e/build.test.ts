/** What `npm run build` makes, away from the sources and their packages: it has to stand alone. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { WebSocket } from 'ws';
import { ShellyPlugS } from '../simulators/shelly-plug-s.ts';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const HTTP_DEVICE_TYPE = 'f3cf0bb5-e059-469c-b100-4f1e8b2575b1';
/** Above what the benchmark aims at (docs/benchmarks.md): what a careless import adds shows, a busy machine does not. */
const RSS_MAX_BYTES = 100e6;

function rssBytes(pid: number | undefined): number {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}

describe('the build', () => {
  let folder: ReturnType<typeof tempFolder>;
  let built: string;

  before(function () {
    this.timeout(120_000);
    folder = tempFolder();
    built = join(folder.path, 'gate');
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.ts', '--out', built], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
  });

  after(() => folder.remove());

  it('runs the daemon and its add-ons', async () => {
    const dataFolder = join(folder.path, 'data');
    mkdirSync(dataFolder);
    const plug = new ShellyPlugS();
    const port = await plug.start();
    const daemon = await Daemon.start({ dataFolder, built });
    try {
      const parameters = { hostname: '127.0.0.1', port, interval: 1 };
      const created = await daemon.api.call<{ id: string }>('POST', '/device/v1/devices', {
        name: 'plug',
        type: HTTP_DEVICE_TYPE,
        parameters,
      });
      assert.equal(created.status, 201);
      const path = `/device/v1/devices/${created.body.id}`;
      await until('the add-on runs', async () => {
        const { body } = await daemon.api.call<{ parts: Record<string, { state: string }> }>(
          'GET',
          '/health/ready',
        );
        return body.parts['addon:http']?.state === 'running';
      });
      assert.equal((await daemon.api.call('POST', `${path}/pair`)).status, 202);
      const page = await until('a reading of the plug', async () => {
        const { body } = await daemon.api.call<{ data: unknown[] }>('GET', `${path}/data`);
        return body.data.length > 0 && body;
      });
      assert.ok(page);
    } finally {
      assert.equal(await daemon.stop(), 0);
      await plug.stop();
    }
  });

  it('makes its certificate and opens the plain WebSocket, whose parts are loaded when they are needed', async () => {
    const dataFolder = join(folder.path, 'tls-data');
    mkdirSync(dataFolder);
    const environment = { TLS: 'self-signed', PROJECT_ID: 'project' };
    const daemon = await Daemon.start({ dataFolder, built, environment });
    try {
      const ca = readFileSync(join(dataFolder, 'tls', 'certificate.pem'));
      const socket = new WebSocket(`${daemon.url.replace('https', 'wss')}/?project=project`, { ca });
      const [first] = await once(socket, 'message');
      assert.equal(JSON.parse(String(first)).action, 'software_version');
      socket.close();
      await once(socket, 'close');
    } finally {
      assert.equal(await daemon.stop(), 0);
    }
  });

  it('is small while nothing happens', async () => {
    const dataFolder = join(folder.path, 'idle');
    mkdirSync(dataFolder);
    const daemon = await Daemon.start({ dataFolder, built });
    try {
      const rss = rssBytes(daemon.process.pid);
      assert.ok(rss < RSS_MAX_BYTES, `the daemon has ${(rss / 1e6).toFixed(1)} MB`);
    } finally {
      await daemon.stop();
    }
  });

  it('has what is loaded on demand: the description, its page, the dashboard and the metrics', async () => {
    const dataFolder = join(folder.path, 'data-of-page');
    mkdirSync(dataFolder);
    const daemon = await Daemon.start({ dataFolder, built });
    try {
      const get = (path: string) => daemon.api.call<unknown>('GET', path);
      for (const path of [
        '/openapi.json',
        '/asyncapi.json',
        '/docs',
        '/docs/events',
        '/docs/docs.css',
        '/metrics',
      ]) {
        assert.equal((await get(path)).status, 200, path);
      }
      const script = await get('/docs/openapi-explorer.min.js');
      assert.equal(script.status, 200);
      assert.ok(String(script.body).length > 500_000);
      const page = String((await get('/')).body);
      const names = [...page.matchAll(/"(\/dashboard\/[^"]+)"/g)].map(([, name = '']) => name);
      assert.ok(names.length >= 3, page);
      for (const name of names) assert.equal((await get(name)).status, 200, name);
    } finally {
      assert.equal(await daemon.stop(), 0);
    }
  });

  it('starts no second HTTP client, which nothing here uses', () => {
    const [gateway] = globSync(join(built, 'src/gateway-*.js'));
    assert.ok(gateway);
    const program = `await import(${JSON.stringify(gateway)}); process.stdout.write(JSON.stringify(process.moduleLoadList));`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.notEqual(stdout, '', stderr);
    assert.deepEqual(
      (JSON.parse(stdout) as string[]).filter((name) => /undici\/undici$/.test(name)),
      [],
    );
  });

  it('answers with JSON without starting a second HTTP client for it', async () => {
    const dataFolder = join(folder.path, 'answering');
    mkdirSync(dataFolder);
    const tell =
      "process.on('exit', () => process.env.GATE_ADDON || console.error('loaded', process.moduleLoadList.join()))";
    const daemon = await Daemon.start({
      dataFolder,
      built,
      environment: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(tell)}` },
    });
    assert.equal((await daemon.api.call('GET', '/health/live')).status, 200);
    await daemon.stop();
    assert.match(daemon.errors, /loaded .*NativeModule http\b/);
    assert.doesNotMatch(daemon.errors, /undici\/undici/);
  });

  it('carries the licences of what it carries', () => {
    const licences = readFileSync(join(built, 'THIRD-PARTY-LICENCES.txt'), 'utf8');
    for (const name of ['koa', 'socket.io', 'aedes', 'openapi-explorer', 'svelte', 'uplot'])
      assert.match(licences, new RegExp(`^${name} \\d`, 'm'));
  });
});
