/** What a person meets who starts and stops the daemon: one clear line when it cannot start, an orderly end. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Daemon, type DaemonOptions } from '../support/daemon.ts';
import { addForeignAddon } from '../support/foreign-addon.ts';
import { heedingModes } from '../support/heeding-modes.ts';
import { makePair } from '../support/openssl.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

interface TakenPort {
  server: Server;
  port: number;
}

async function takePort(): Promise<TakenPort> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

describe('starting and stopping', () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => folder.remove());

  async function failsWith(line: RegExp, options: Partial<DaemonOptions> = {}): Promise<void> {
    const daemon = Daemon.spawn({ dataFolder: folder.path, ...options });
    assert.equal(await daemon.exited, 1);
    assert.match(daemon.errors, line);
    assert.equal(daemon.errors.trim().split('\n').length, 1, daemon.errors);
  }

  it('names a port that is taken', async () => {
    const { server, port } = await takePort();
    await failsWith(/^gate: port \d+ .*taken by another program.* set PORT/, {
      environment: { PORT: String(port) },
    });
    await failsWith(/^gate: port \d+ .*taken by another program.* set LOCAL_BROKER_PORT/, {
      environment: { LOCAL_BROKER_PORT: String(port) },
    });
    server.close();
  });

  it('keeps compiled code for the next start though it never ends in order', async () => {
    const daemon = await Daemon.start({ dataFolder: folder.path });
    const compiled = () => readdirSync(join(folder.path, 'cache'), { recursive: true }).map(String);
    // those of the daemon: add-ons end in order, and are some three
    await until('compiled code is kept', () => compiled().length > 15);
    await daemon.kill();
  });

  it('names a store that it may not read, and what to do', async function () {
    const within = heedingModes();
    if (within === undefined) {
      console.log('      skipped: root cannot give up here what lets it read all files');
      return this.skip();
    }
    const daemon = await Daemon.start({ dataFolder: folder.path });
    await daemon.kill();
    for (const name of ['gate.db', 'gate.db-wal']) {
      const path = join(folder.path, name);
      chmodSync(path, 0);
      await failsWith(
        new RegExp(
          `^gate: the store may not be read .*${name}.*Next: give .*${name} back to the user that runs gate`,
        ),
        { within },
      );
      chmodSync(path, 0o600);
    }
    return undefined;
  });

  it('names a setting that does not parse', async () => {
    await failsWith(/^gate: RETENTION_DAYS is "for ever", but must be a whole number/, {
      environment: { RETENTION_DAYS: 'for ever' },
    });
  });

  it('names what is wrong with the certificate it is given', async () => {
    const [one, other] = [makePair(folder.path, 'one'), makePair(folder.path, 'other')];
    const TLS_CERT = one.certificatePath;
    const cases: [Record<string, string>, RegExp][] = [
      [{ TLS_CERT }, /^gate: TLS_KEY is not set, but TLS_CERT is/],
      [{ TLS_CERT, TLS_KEY: join(folder.path, 'none') }, /^gate: TLS_KEY \(.*none\) cannot be read: ENOENT/],
      [{ TLS_CERT, TLS_KEY: other.keyPath }, /^gate: TLS_KEY .* is not the private key of TLS_CERT/],
    ];
    for (const [environment, line] of cases) await failsWith(line, { environment });
  });

  it('speaks TLS with a certificate of its own, the same after a restart', async () => {
    const environment = { TLS: 'self-signed' };
    const first = await Daemon.start({ dataFolder: folder.path, environment });
    const certificate = join(folder.path, 'tls', 'certificate.pem');
    assert.match(first.url, /^https:/);
    const call = (url: string) =>
      execFileSync('curl', ['-sS', '--cacert', certificate, url], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(call(`${first.url}/health/live`), '{"status":"live"}');
    const printed = execFileSync(
      'openssl',
      ['x509', '-in', certificate, '-noout', '-fingerprint', '-sha256'],
      {
        encoding: 'utf8',
      },
    );
    const fingerprint = String(printed.trim().split('=')[1]);
    assert.equal(
      first.log.some(({ msg }) => msg === `TLS: the certificate's SHA-256 is ${fingerprint}`),
      true,
    );
    const { parts } = JSON.parse(call(`${first.url}/health/ready`));
    assert.equal(parts.tls.fingerprint, fingerprint);
    assert.equal(await first.stop(), 0);
    const second = await Daemon.start({ dataFolder: folder.path, environment });
    assert.equal(JSON.parse(call(`${second.url}/health/ready`)).parts.tls.fingerprint, fingerprint);
    assert.equal(await second.stop(), 0);
  });

  it('names a data folder that cannot be used', async () => {
    writeFileSync(join(folder.path, 'file'), 'not a folder');
    await failsWith(/^gate: DATA_FOLDER .*file cannot be written/, {
      dataFolder: join(folder.path, 'file'),
      environment: { CONFIG_FOLDER: folder.path },
    });
  });

  it('names the other daemon that runs on the same data folder', async () => {
    const first = await Daemon.start({ dataFolder: folder.path });
    await failsWith(/^gate: .*already|^gate: .*another/);
    assert.equal(await first.stop(), 0);
  });

  it('sets a damaged store aside, says so, and begins anew at the next start', async () => {
    const damaged = Buffer.from('anything but a database. '.repeat(500));
    writeFileSync(join(folder.path, 'gate.db'), damaged);
    const daemon = Daemon.spawn({ dataFolder: folder.path });
    assert.equal(await daemon.exited, 1);
    const aside = daemon.errors.match(/set aside as (\S+)\. Next/)?.[1];
    assert.deepEqual(readFileSync(String(aside)), damaged);
    const next = await Daemon.start({ dataFolder: folder.path });
    assert.equal(await next.stop(), 0);
  });

  it('leaves the store of a newer gateway untouched', async () => {
    const path = join(folder.path, 'gate.db');
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version=999');
    newer.close();
    const before = readFileSync(path);
    await failsWith(/^gate: the store .* is of version 999, this gateway knows up to \d+\. Next: /);
    assert.deepEqual(readFileSync(path), before);
  });

  it('starts without the folder of add-ons of others, and with a broken one in it', async () => {
    addForeignAddon(folder.path, { slug: 'fine', program: '' });
    writeFileSync(join(folder.path, 'addons', 'fine', 'addon.json'), '{"slug": "fine"');
    const daemon = await Daemon.start({ dataFolder: folder.path });
    assert.equal(
      daemon.log.some(({ msg }) => msg.startsWith('an add-on was left out')),
      true,
    );
    assert.equal(await daemon.stop(), 0);
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`stores what is in flight, ends its children and exits 0 on ${signal}`, async () => {
      const type = addForeignAddon(folder.path, { slug: 'journal', source: 'journal.ts' });
      const daemon = await Daemon.start({ dataFolder: folder.path });
      await daemon.api.send('POST', '/device/v1/protocols/journal/installation', { parameters: {} });
      const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
        name: 'counter',
        type,
      });
      await until('readings come in', async () => {
        const { totalItems } = await daemon.api.get<{ totalItems: number }>(`/device/v1/devices/${id}/data`);
        return totalItems > 0;
      });
      const children = daemon.log
        .map(({ run }) => String(run).match(/process (\d+)/)?.[1])
        .filter((pid) => pid !== undefined);
      assert.equal(children.length >= 3, true);
      daemon.process.kill(signal);
      assert.equal(await daemon.exited, 0);
      for (const pid of children) assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
      const sent = readFileSync(join(folder.path, 'addons-data', 'journal', 'sent'), 'utf8')
        .trim()
        .split('\n').length;
      const database = new DatabaseSync(join(folder.path, 'gate.db'), { readOnly: true });
      assert.equal(database.prepare('SELECT count(*) AS n FROM reading WHERE ts > 0').get()?.['n'], sent);
      database.close();
    });
  }

  it('tells its first client in a file that only its user can read, and in no other place', async () => {
    const daemon = await Daemon.start({ dataFolder: folder.path, environment: { LOG_LEVEL: 'trace' } });
    const path = join(folder.path, 'first-client.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const told = JSON.parse(readFileSync(path, 'utf8'));
    const ask = (url: string, init: RequestInit) => fetch(daemon.url + url, init);
    const headers = { 'Content-Type': 'application/json' };
    const answer = await ask('/authentication/v1/oauth/token', {
      method: 'POST',
      headers,
      body: JSON.stringify(told),
    });
    assert.equal(answer.status, 200);
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const listed = await ask('/authentication/v1/clients', { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(listed.status, 200);
    await until('the file is gone', () => !existsSync(path));
    assert.equal(await daemon.stop(), 0);
    const log = JSON.stringify(daemon.log) + daemon.errors;
    assert.equal(log.includes(path), true);
    for (const secret of [told.clientSecret, token]) assert.equal(log.includes(secret), false);
  });

  it('keeps its data to its own user', async () => {
    const path = join(folder.path, 'data');
    const daemon = await Daemon.start({ dataFolder: path });
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, 'gate.sock')).mode & 0o777, 0o600);
    assert.equal(await daemon.stop(), 0);
  });
});
