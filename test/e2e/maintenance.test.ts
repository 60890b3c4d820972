/** What a dashboard has done to the gateway as a whole, over the network and with a token: a backup, and its return. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { freePort } from '../../scripts/peers/free-port.ts';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const SECRET = 'correct horse battery staple';
const PIECE_BYTES = 30_000;

interface Standing {
  gateway: { id: string; version: string; canUpdate: boolean; startedAt: number };
  backup: { state: string; bytes?: number; files?: number; reason?: { message: string } };
  restore: {
    state: string;
    bytes?: number;
    version?: string;
    aside?: string;
    reason?: { message: string; hint?: string };
  };
  update: { state: string };
}

describe('maintenance over the API', () => {
  let folder: ReturnType<typeof tempFolder>;
  let config: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  let token: string;
  let socket: Socket | undefined;

  beforeEach(async () => {
    [folder, config] = [tempFolder(), tempFolder()];
    writeFileSync(join(config.path, '.env'), 'RETENTION_DAYS=77\n');
    daemon = await started();
    token = await tokenOf(daemon);
  });
  afterEach(async () => {
    socket?.disconnect();
    socket = undefined;
    await daemon.stop();
    folder.remove();
    config.remove();
  });

  const started = (environment = {}) =>
    Daemon.start({
      dataFolder: folder.path,
      environment: { CONFIG_FOLDER: config.path, ...environment },
    });

  async function tokenOf({ api, url }: Daemon, scopes = ['admin']): Promise<string> {
    const client = await api.send<object>('POST', '/authentication/v1/clients', {
      name: 'dashboard',
      scopes,
    });
    const answer = await fetch(`${url}/authentication/v1/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(client),
    });
    return ((await answer.json()) as { access_token: string }).access_token;
  }

  /** Through the network; bytes go as they are. */
  async function call<T>(method: string, path: string, body?: unknown, as = token) {
    const isBytes = body instanceof Uint8Array;
    const answer = await fetch(`${daemon.url}${path}`, {
      method,
      headers: {
        ...(as === '' ? {} : { authorization: `Bearer ${as}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body === undefined
        ? {}
        : { body: isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body) }),
    });
    const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true;
    return {
      status: answer.status,
      headers: answer.headers,
      body: (isJson ? await answer.json() : new Uint8Array(await answer.arrayBuffer())) as T,
    };
  }
  const standing = async () => (await call<Standing>('GET', '/maintenance/v1')).body;
  const settled = (part: 'backup' | 'restore', states: string[]) =>
    until(
      `the ${part} is ${states.join(' or ')}`,
      async () => states.includes((await standing())[part].state),
      60_000,
    );

  async function taken(): Promise<Uint8Array> {
    const begun = await call('POST', '/maintenance/v1/backup', { passphrase: SECRET });
    assert.equal(begun.status, 202, JSON.stringify(begun.body));
    await settled('backup', ['ready', 'failed']);
    const { backup } = await standing();
    assert.equal(backup.state, 'ready', backup.reason?.message);
    const file = await call<Uint8Array>('GET', '/maintenance/v1/backup/file');
    assert.equal(file.status, 200);
    assert.equal(Number(file.headers.get('content-length')), backup.bytes);
    assert.match(
      file.headers.get('content-disposition') ?? '',
      /^attachment; filename="gate-\d{4}-.*\.age"$/,
    );
    return file.body;
  }

  async function sent(file: Uint8Array): Promise<void> {
    for (let offset = 0; offset < file.length; offset += PIECE_BYTES) {
      const path = `/maintenance/v1/restore/file?offset=${offset}`;
      const { status, body } = await call<{ bytes: number }>(
        'POST',
        path,
        file.slice(offset, offset + PIECE_BYTES),
      );
      assert.deepEqual([status, body.bytes], [201, Math.min(file.length, offset + PIECE_BYTES)]);
    }
  }

  it('takes a backup, tells how far it is, and gives it to be fetched, also after a restart', async () => {
    const told: { of: string; state: string; phase?: string }[] = [];
    socket = io(daemon.url, { auth: { token }, transports: ['websocket'] });
    socket.on('maintenance', (change) => told.push(change));
    await until('the socket is open', () => socket?.connected === true);
    const file = await taken();
    assert.equal(Buffer.from(file.slice(0, 21)).toString(), 'age-encryption.org/v1');
    await until('its end was told', () => told.some(({ of, state }) => of === 'backup' && state === 'ready'));
    assert.ok(told.some(({ phase }) => phase === 'copying'));
    assert.ok(told.some(({ phase }) => phase === 'encrypting'));
    assert.ok(!daemon.log.some((line) => JSON.stringify(line).includes(SECRET)));

    await daemon.stop();
    daemon = await started();
    const again = await call<Uint8Array>('GET', '/maintenance/v1/backup/file');
    assert.deepEqual(Buffer.from(again.body).equals(Buffer.from(file)), true);
    assert.equal((await call('DELETE', '/maintenance/v1/backup')).status, 200);
    assert.equal((await call('GET', '/maintenance/v1/backup/file')).status, 404);
    assert.equal(existsSync(join(folder.path, 'backup-outbox')), false);
  });

  it('puts a backup in place by restarting, and tells it afterwards', async () => {
    const device = { name: 'kept', isVirtual: true };
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', device);
    const file = await taken();
    await daemon.api.send('DELETE', `/device/v1/devices/${id}`);
    writeFileSync(join(config.path, '.env'), 'RETENTION_DAYS=5\n');

    await sent(file);
    const wrong = await call('POST', '/maintenance/v1/restore', { passphrase: 'of another house' });
    assert.equal(wrong.status, 202);
    await settled('restore', ['failed']);
    assert.match((await standing()).restore.reason?.message ?? '', /passphrase is not that of this backup/);
    // nothing has to be sent again
    await call('POST', '/maintenance/v1/restore', { passphrase: SECRET });
    await settled('restore', ['checked', 'failed']);
    const { restore, gateway } = await standing();
    assert.equal(restore.state, 'checked', restore.reason?.message);
    assert.equal(restore.version, gateway.version);
    assert.equal((await daemon.api.call('GET', `/device/v1/devices/${id}`)).status, 404);

    const pid = daemon.process.pid;
    assert.equal((await call('POST', '/maintenance/v1/restore/apply')).status, 202);
    const ups = () => daemon.log.filter(({ msg }) => msg.startsWith('gate is up')).length;
    await until('the gateway is up again', () => ups() === 2, 30_000);
    assert.deepEqual([daemon.process.pid, daemon.process.exitCode], [pid, null]);
    assert.equal((await daemon.api.call('GET', `/device/v1/devices/${id}`)).status, 200);
    assert.equal(readFileSync(join(config.path, '.env'), 'utf8'), 'RETENTION_DAYS=77\n');
    const after = await daemon.api.get<Standing>('/maintenance/v1');
    assert.equal(after.restore.state, 'applied');
    assert.ok(after.gateway.startedAt > gateway.startedAt);
    const aside = join(folder.path, after.restore.aside as string);
    assert.ok(existsSync(join(aside, 'gate.db')));
    assert.equal(
      readFileSync(join(config.path, after.restore.aside as string, '.env'), 'utf8'),
      'RETENTION_DAYS=5\n',
    );
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith('restore-w') || name === 'restore-staging'),
      [],
    );
    const { notifications } = await daemon.api.get<{ notifications: { subject: string }[] }>(
      '/history/notifications/history?subject=backup_restored',
    );
    assert.equal(notifications.length, 1);
  });

  it('refuses a backup whose settings would keep it from coming up here, before anything is changed', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const restarted = async (settings: string) => {
      await daemon.stop();
      writeFileSync(join(config.path, '.env'), settings);
      // as a service has it: the settings say all
      daemon = await started({ PORT: '' });
    };
    await restarted(`PORT=${port}\n`);
    const file = await taken();
    await restarted(`PORT=${other}\n`);
    await sent(file);
    const neighbour = createServer().listen(port, '127.0.0.1');
    try {
      await once(neighbour, 'listening');
      await call('POST', '/maintenance/v1/restore', { passphrase: SECRET });
      await settled('restore', ['failed', 'checked']);
      const { restore } = await standing();
      assert.equal(restore.state, 'failed');
      assert.match(restore.reason?.message ?? '', new RegExp(`PORT ${port} .*another program has it`));
    } finally {
      neighbour.close();
    }
    assert.equal(readFileSync(join(config.path, '.env'), 'utf8'), `PORT=${other}\n`);
    await call('POST', '/maintenance/v1/restore', { passphrase: SECRET });
    await settled('restore', ['checked', 'failed']);
    assert.equal((await standing()).restore.state, 'checked');
  });

  it('goes on with what a power cut interrupted, and never starts with half a gateway', async () => {
    const { id } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      name: 'kept',
      isVirtual: true,
    });
    const file = await taken();
    await daemon.api.send('DELETE', `/device/v1/devices/${id}`);
    await sent(file);
    await call('POST', '/maintenance/v1/restore', { passphrase: SECRET });
    await settled('restore', ['checked']);
    await daemon.kill();
    // as it lies when the power goes after the first renames: the order is there, the store is aside, the new one waits
    const waiting = join(folder.path, 'restore-waiting');
    const facts = JSON.parse(readFileSync(join(waiting, 'facts.json'), 'utf8'));
    const aside = 'before-restore-2026-01-01T00-00-00-000Z';
    writeFileSync(join(waiting, 'order.json'), JSON.stringify({ ...facts, aside }));
    mkdirSync(join(folder.path, aside));
    renameSync(join(folder.path, 'gate.db'), join(folder.path, aside, 'gate.db'));
    daemon = await started();
    assert.equal((await daemon.api.call('GET', `/device/v1/devices/${id}`)).status, 200);
    assert.equal((await daemon.api.get<Standing>('/maintenance/v1')).restore.state, 'applied');
    assert.equal(existsSync(waiting), false);
  });

  it('refuses a piece out of its order, and says where to go on', async () => {
    await call('POST', '/maintenance/v1/restore/file', new Uint8Array(10));
    const gap = await call<{ code: string; hint: string }>(
      'POST',
      '/maintenance/v1/restore/file?offset=11',
      new Uint8Array(10),
    );
    assert.deepEqual([gap.status, gap.body.hint], [409, 'go on with offset=10, or begin anew with offset=0']);
    const next = await call<{ bytes: number }>(
      'POST',
      '/maintenance/v1/restore/file?offset=10',
      new Uint8Array(5),
    );
    assert.equal(next.body.bytes, 15);
    await call('POST', '/maintenance/v1/restore', { passphrase: SECRET });
    await settled('restore', ['failed']);
    assert.match((await standing()).restore.reason?.message ?? '', /no backup of gate/);
    assert.equal((await call('DELETE', '/maintenance/v1/restore')).status, 200);
    assert.equal((await standing()).restore.state, 'none');
    assert.equal((await call('POST', '/maintenance/v1/restore/apply')).status, 409);
  });

  it('lets only those have a backup who may say who may call', async () => {
    await daemon.stop();
    daemon = await started({ ON_PREMISE_ANONYMOUS: 'all' });
    const control = await tokenOf(daemon, ['control']);
    for (const [path, method] of [
      ['/maintenance/v1/backup', 'POST'],
      ['/maintenance/v1/backup/file', 'GET'],
      ['/maintenance/v1/backup', 'DELETE'],
      ['/maintenance/v1/restore', 'POST'],
      ['/maintenance/v1/restore/apply', 'POST'],
      ['/maintenance/v1/restore', 'DELETE'],
    ] as const) {
      const body = method === 'POST' ? { passphrase: SECRET } : undefined;
      assert.equal((await call(method, path, body, '')).status, 401, `${method} ${path} without a token`);
      assert.equal((await call(method, path, body, control)).status, 403, `${method} ${path} with control`);
    }
    assert.equal((await call('GET', '/maintenance/v1', undefined, '')).status, 200);
    assert.equal((await call('GET', '/maintenance/v1', undefined, control)).status, 403);
  });

  it('says that it cannot update itself where it was not installed so', async () => {
    assert.equal((await standing()).gateway.canUpdate, false);
    const asked = await call<{ message: string }>('POST', '/maintenance/v1/update', { version: '9.9.9' });
    assert.deepEqual([asked.status, /install\.sh/.test(asked.body.message)], [503, true]);
  });
});
