import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Clients } from '../../../src/core/clients/clients.ts';
import { FirstClient } from '../../../src/core/clients/first-client.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { FirstClientFile } from '../../../src/store/files/first-client-file.ts';
import { MIGRATIONS, openMigrated } from '../../../src/store/migrations.ts';
import { type OpenedStore, openStore, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

describe('clients in the store', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  let clients: Clients;
  let file: string;
  let troubles: unknown[];

  /** What a start of the gateway does; tells whether the file is there. */
  const start = async () => {
    opened = await openStore(folder.path);
    const events = new EventBus<GatewayEvents>((_event, error) => {
      throw error;
    });
    clients = new Clients({ store: opened.store, events, now: Date.now });
    await clients.start();
    const note = new FirstClientFile({ path: file });
    const onTrouble = (error: unknown) => troubles.push(error);
    return new FirstClient({ clients, registry: opened.store, note, events, onTrouble }).start();
  };
  const restart = async () => {
    await opened.store.stop();
    return start();
  };
  const told = () => JSON.parse(readFileSync(file, 'utf8'));
  const fileIsThere = () => readdirSync(folder.path).includes('first-client.json');

  beforeEach(() => {
    folder = tempFolder();
    file = join(folder.path, 'first-client.json');
    troubles = [];
  });
  afterEach(async () => {
    await opened.store.stop();
    folder.remove();
    assert.deepEqual(troubles, []);
  });

  it('outlive a restart, and stay removed', async () => {
    await start();
    const kept = await clients.add({ name: 'kept', scopes: ['read', 'control'] });
    const gone = await clients.add({ name: 'gone', scopes: ['read'] });
    await clients.remove(gone.clientId);
    await restart();
    assert.equal((await clients.logIn(kept.clientId, kept.clientSecret)).name, 'kept');
    assert.equal(clients.has(gone.clientId), false);
  });

  it('lie in files that only their user can read, without their secret', async () => {
    await start();
    const { clientSecret } = await clients.add({ name: 'a', scopes: ['read'] });
    for (const name of readdirSync(folder.path)) {
      const path = join(folder.path, name);
      assert.equal(statSync(path).mode & 0o777, 0o600, name);
      assert.equal(readFileSync(path).includes(clientSecret), false, name);
    }
  });

  it('come to a store of the version before them', async () => {
    const old = await openMigrated(join(folder.path, 'gate.db'), MIGRATIONS.slice(0, 1));
    old.prepare('INSERT INTO device (id, record) VALUES (?, ?)').run('a', JSON.stringify(testDevice('a')));
    old.close();
    await start();
    assert.equal(opened.store.devices().length, 1);
    assert.equal(clients.list().length, 1);
  });

  it('begin with one of scope admin, told in a file of mode 0600 until it has logged in', async () => {
    assert.equal(await start(), true);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { clientId, clientSecret, scopes } = told();
    assert.deepEqual(scopes, ['admin']);
    assert.equal(await restart(), true);
    await assert.rejects(clients.logIn(clientId, 'wrong'), { code: 'unauthorized' });
    assert.equal(fileIsThere(), true);
    await clients.logIn(clientId, clientSecret);
    await until('the file is gone', () => !fileIsThere());
    assert.equal(await restart(), false);
    assert.equal(clients.list().length, 1);
  });

  it('never get a first one again once it was removed, and its file goes with it', async () => {
    await start();
    await clients.remove(told().clientId);
    await until('the file is gone', () => !fileIsThere());
    assert.equal(await restart(), false);
    assert.deepEqual(clients.list(), []);
  });

  it('keep the file while only the tokens of the first one are voided', async () => {
    await start();
    const { clientId, clientSecret } = told();
    await clients.voidTokens(clientId);
    assert.equal(await restart(), true);
    await clients.logIn(clientId, clientSecret);
  });

  it('remove a file that a power cut kept after the log-in', async () => {
    await start();
    const text = readFileSync(file);
    const { clientId, clientSecret } = told();
    await clients.logIn(clientId, clientSecret);
    await until('the file is gone', () => !fileIsThere());
    writeFileSync(file, text);
    assert.equal(await restart(), false);
    assert.equal(fileIsThere(), false);
  });

  it('get a first one again when the start before ended before its secret was told', async () => {
    opened = await openStore(folder.path);
    const events = new EventBus<GatewayEvents>(() => undefined);
    await new Clients({ store: opened.store, events, now: Date.now }).add({
      name: 'first client',
      scopes: ['admin'],
    });
    assert.equal(await restart(), true);
    assert.deepEqual(
      clients.list().map(({ clientId }) => clientId),
      [told().clientId],
    );
  });
});
