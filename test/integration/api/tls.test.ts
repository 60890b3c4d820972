import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { dirname, join } from 'node:path';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { GivenCertificate } from '../../../src/api/certificates/given-certificate.ts';
import { makePair } from '../../support/openssl.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { ApiUnderTest, type TestSettings } from './support/api-under-test.ts';
import { connectClient, GENERATIONS, TRANSPORTS } from './support/realtime-clients.ts';
import { connectWebSocket } from './support/web-socket-clients.ts';

const DAY_MS = 86_400_000;

/** Resolves with what it printed, whatever its exit code. */
function run(program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { timeout: 20_000 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
    child.stdin?.end();
  });
}

describe('the API over TLS', () => {
  let folder: ReturnType<typeof tempFolder>;
  let gate: ApiUnderTest;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(async () => {
    await gate.stop();
    folder.remove();
  });

  async function startWith(paths: { certificate: string; key: string }, settings: TestSettings = {}) {
    const source = new GivenCertificate({ ...paths, readAgainMs: 500 });
    gate = await ApiUnderTest.start({ anonymous: 'all', certificate: source, ...settings });
  }
  async function startWithPair(days?: number) {
    const pair = makePair(folder.path, 'first', days === undefined ? {} : { days });
    await startWith({ certificate: pair.certificatePath, key: pair.keyPath });
    return pair;
  }
  /** The common name that a new connection is shown. */
  const shown = async (): Promise<string> => {
    const connection = connectTls({ host: '127.0.0.1', port: gate.port, rejectUnauthorized: false });
    await once(connection, 'secureConnect');
    const { CN } = connection.getPeerCertificate().subject;
    connection.destroy();
    return String(CN);
  };
  const shows = (name: string) => until(`it shows ${name}`, async () => (await shown()) === name);
  const tlsPart = () => gate.health.part('tls');

  it('is taken by curl and openssl, which check the certificate', async () => {
    const { certificatePath } = await startWithPair();
    const answer = await run('curl', '-sS', '--cacert', certificatePath, `${gate.url}/health/live`);
    assert.equal(answer, '{"status":"live"}');
    assert.match(await run('curl', '-sS', `${gate.url}/health/live`), /self.signed certificate/);
    const handshake = (...args: string[]) =>
      run('openssl', 's_client', '-connect', `127.0.0.1:${gate.port}`, '-CAfile', certificatePath, ...args);
    for (const version of ['-tls1_2', '-tls1_3'])
      assert.match(await handshake(version), /Verify return code: 0 \(ok\)/);
    assert.match(await handshake('-tls1_1'), /protocol version|no protocols available/);
  });

  for (const generation of GENERATIONS) {
    for (const transports of TRANSPORTS) {
      // 2.x takes the WebSocket that Node itself brings, which knows the authorities of its process alone
      if (generation === '2.x' && transports.some((name) => name === 'websocket')) continue;

      it(`carries the events to a ${generation} client over ${transports.join(', then ')}`, async () => {
        const { certificate: ca } = await startWithPair();
        const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
        const client = await connectClient(gate, generation, ['data'], { transports, ca });
        const told = client.next('data');
        await gate.record(id, [{ ts: 1, data: { a: 1 } }]);
        assert.deepEqual((await told) as object, {
          deviceId: id,
          payload: { a: 1 },
          ts: '1970-01-01T00:00:00.001Z',
        });
        client.close();
      });
    }
  }

  it('carries the events to a 2.x client over websocket, in a process that trusts the certificate', async () => {
    const { certificatePath } = await startWithPair();
    const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
    const program = `
      const socket = require('socket.io-client-2')('${gate.url}', { transports: ['websocket'] });
      socket.on('connect', () => console.log('connected'));
      socket.on('connect_error', (error) => { console.log(error.message); socket.close(); });
      socket.on('data', ({ payload }) => { console.log(JSON.stringify(payload)); socket.close(); });`;
    const options = { env: { ...process.env, NODE_EXTRA_CA_CERTS: certificatePath }, timeout: 20_000 };
    const client = execFile(process.execPath, ['--input-type=commonjs', '-e', program], options);
    let printed = '';
    client.stdout?.on('data', (text) => {
      printed += text;
    });
    await until('it is connected', () => printed === 'connected\n');
    await gate.record(id, [{ ts: 1, data: { a: 1 } }]);
    await once(client, 'close');
    assert.equal(printed, 'connected\n{"a":1}\n');
  });

  it('carries the plain WebSocket', async () => {
    const { certificate: ca } = await startWithPair();
    const client = await connectWebSocket(gate, { ca });
    assert.match(client.socket.url, /^wss:/);
    const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
    await gate.record(id, [{ ts: 1, data: { a: 1 } }]);
    assert.deepEqual((await client.told('data'))['data'], { a: 1 });
    client.socket.close();
    await client.closed;
  });

  it('tells whoever speaks plain HTTP to the port what it speaks, and leaves the socket of the box plain', async () => {
    await startWithPair();
    const plain = `http://127.0.0.1:${gate.port}`;
    const told = await run('curl', '-sS', '-i', `${plain}/health/live`);
    assert.match(told, /^HTTP\/1\.1 400 /);
    assert.match(told, /this port speaks HTTPS/);
    const posted = await run('curl', '-sS', '-d', 'x'.repeat(100_000), `${plain}/device/v1/devices`);
    assert.match(posted, /this port speaks HTTPS/);
    assert.equal((await gate.callLocally('/health/live')).status, 200);
  });

  it('takes TLS 1.2 and 1.3, and nothing older', async () => {
    await startWithPair();
    const ended = async (version: SecureVersion) => {
      const connection = connectTls({
        host: '127.0.0.1',
        port: gate.port,
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        // a client that would speak what is old
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      const error = await once(connection, 'secureConnect').then(
        () => undefined,
        (failure) => failure,
      );
      const spoken = error === undefined ? connection.getProtocol() : error.code;
      connection.destroy();
      return spoken;
    };
    assert.equal(await ended('TLSv1.2'), 'TLSv1.2');
    assert.equal(await ended('TLSv1.3'), 'TLSv1.3');
    for (const old of ['TLSv1', 'TLSv1.1'] as const)
      assert.equal(await ended(old), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', old);
  });

  it('ends a connection that breaks off its handshake, and goes on', async () => {
    await startWithPair();
    for (const bytes of [[0x16], [0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5], [0, 1, 2], []]) {
      const connection = connectPlain(gate.port, '127.0.0.1');
      connection.on('error', () => {});
      connection.end(Buffer.from(bytes));
      connection.resume();
      await once(connection, 'close');
    }
    assert.equal(await shown(), 'first');
  });

  it('lets a request under way end when it stops', async () => {
    await startWithPair();
    const connection = connectTls({ host: '127.0.0.1', port: gate.port, rejectUnauthorized: false });
    await once(connection, 'secureConnect');
    connection.resume();
    const closed = once(connection, 'close');
    await gate.api.stop();
    await closed;
  });

  describe('with files that are renewed', () => {
    it('shows the new pair to new connections, and keeps those there are', async () => {
      const { certificate: ca, certificatePath, keyPath } = await startWithPair();
      const client = await connectWebSocket(gate, { ca });
      const before = tlsPart()?.fingerprint;
      const second = makePair(folder.path, 'second');
      renameSync(second.keyPath, keyPath);
      renameSync(second.certificatePath, certificatePath);
      await shows('second');
      await until(
        'health says so',
        () => tlsPart()?.state === 'running' && tlsPart()?.fingerprint !== before,
      );
      const { id } = await gate.devices.create({ name: 'a', isVirtual: true });
      await gate.record(id, [{ ts: 1, data: { a: 1 } }]);
      await client.told('data');
      client.socket.close();
      await client.closed;
    });

    it('keeps the old pair while the new one is half there or broken, and says which file is wrong', async () => {
      const { certificatePath, keyPath, key } = await startWithPair();
      const second = makePair(folder.path, 'second');
      copyFileSync(second.certificatePath, certificatePath);
      await until('health names the key', () => tlsPart()?.state === 'degraded');
      assert.match(String(tlsPart()?.reason), /TLS_KEY .* is not the private key of TLS_CERT.*served on/);
      assert.equal(await shown(), 'first');
      writeFileSync(keyPath, key.slice(0, 60));
      await until('health names the half key', () =>
        /TLS_KEY .* no private key/.test(String(tlsPart()?.reason)),
      );
      assert.equal(gate.health.ready().status, 'degraded');
      copyFileSync(second.keyPath, keyPath);
      await shows('second');
      await until('health has forgotten it', () => tlsPart()?.state === 'running');
      assert.equal(tlsPart()?.reason, undefined);
    });

    it('follows links as certbot changes them', async () => {
      const [first, second] = [makePair(folder.path, 'first'), makePair(folder.path, 'second')];
      const live = join(folder.path, 'live');
      mkdirSync(live);
      const link = ({ certificatePath, keyPath }: typeof first) => {
        for (const [name, target] of [
          ['cert', certificatePath],
          ['key', keyPath],
        ] as const) {
          symlinkSync(target, join(live, `${name}.new`));
          renameSync(join(live, `${name}.new`), join(live, name));
        }
      };
      link(first);
      await startWith({ certificate: join(live, 'cert'), key: join(live, 'key') });
      assert.equal(await shown(), 'first');
      link(second);
      await shows('second');
    });

    for (const depth of ['in the folder itself', 'in a folder above']) {
      it(`follows a link ${depth}, as Kubernetes changes it`, async () => {
        const above = depth === 'in a folder above';
        const mount = join(folder.path, 'mount');
        const put = (name: string) => {
          const target = join(mount, `..${name}`);
          mkdirSync(target, { recursive: true });
          const made = makePair(target, name);
          renameSync(made.certificatePath, join(target, 'tls.crt'));
          renameSync(made.keyPath, join(target, 'tls.key'));
          symlinkSync(`..${name}`, join(mount, '..new'));
          renameSync(join(mount, '..new'), join(mount, '..data'));
        };
        put('first');
        const at = above ? join(mount, '..data') : mount;
        if (!above) {
          for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, join(mount, file));
        }
        await startWith({ certificate: join(at, 'tls.crt'), key: join(at, 'tls.key') });
        assert.equal(await shown(), 'first');
        put('second');
        await shows('second');
        // and a file that is replaced where the link leads to by now
        const third = makePair(folder.path, 'third');
        const there = join(mount, '..second');
        assert.equal(dirname(join(there, 'tls.key')), there);
        copyFileSync(third.keyPath, join(there, 'tls.key'));
        copyFileSync(third.certificatePath, join(there, 'tls.crt'));
        await shows('third');
      });
    }
  });

  it('tells of a certificate that expires, and is degraded when it has', async () => {
    const told: string[] = [];
    const { certificatePath, keyPath } = await startWithPair(40);
    gate.events.on('notificationRaised', ({ subject, level }) => told.push(`${subject} ${level}`));
    assert.equal(tlsPart()?.state, 'running');
    gate.aheadMs = 20 * DAY_MS;
    await until('it is told', () => told.includes('certificate_expiring 3'));
    assert.equal(tlsPart()?.state, 'running');
    gate.aheadMs = 41 * DAY_MS;
    await until('it has expired', () => tlsPart()?.state === 'degraded');
    assert.match(String(tlsPart()?.reason), /expired at \d{4}-.*TLS_CERT/);
    await until('that is told too', () => told.includes('certificate_expired 2'));
    assert.deepEqual(told, ['certificate_expiring 3', 'certificate_expired 2']);
    assert.equal(await shown(), 'first');
    const second = makePair(folder.path, 'second');
    renameSync(second.keyPath, keyPath);
    renameSync(second.certificatePath, certificatePath);
    await until('it is well again', () => tlsPart()?.state === 'running');
  });
});
