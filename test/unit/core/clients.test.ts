import assert from 'node:assert/strict';
import { CLIENTS_MAX, Clients } from '../../../src/core/clients/clients.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { MemoryClients } from '../../support/memory-ports.ts';

const NOW = 1_700_000_000_000;

describe('clients', () => {
  let store: MemoryClients;
  let clients: Clients;
  let now: number;
  let voided: string[];

  const opened = async () => {
    const events = new EventBus<GatewayEvents>((_event, error) => {
      throw error;
    });
    events.on('clientTokensVoided', ({ clientId }) => voided.push(clientId));
    const made = new Clients({ store, events, now: () => now });
    await made.start();
    return made;
  };

  beforeEach(async () => {
    store = new MemoryClients();
    now = NOW;
    voided = [];
    clients = await opened();
  });

  it('log in with the secret they were given, also after a restart, and with no other', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['read'] });
    assert.equal(Buffer.from(clientSecret, 'base64url').length, 32);
    for (const there of [clients, await opened()]) {
      assert.equal((await there.logIn(clientId, clientSecret)).clientId, clientId);
      await assert.rejects(there.logIn(clientId, `${clientSecret}x`), { code: 'unauthorized' });
      await assert.rejects(there.logIn('nobody', clientSecret), { code: 'unauthorized' });
      await assert.rejects(there.logIn('', ''), { code: 'unauthorized' });
    }
  });

  it('are refused in the same words whether the id or the secret is wrong', async () => {
    const { clientId } = await clients.add({ name: 'panel', scopes: ['read'] });
    const words = (id: string) => clients.logIn(id, 'wrong').catch((error: Error) => error.message);
    assert.equal(await words(clientId), await words('nobody'));
  });

  it('are kept with a salted hash and its parameters, never with their secret', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['read'] });
    const { clientId: other } = await clients.add({ name: 'panel', scopes: ['read'] });
    const secret = store.records.get(clientId)?.secret;
    assert.deepEqual(Object.keys(secret ?? {}), ['N', 'r', 'p', 'salt', 'hash']);
    assert.notEqual(secret?.salt, store.records.get(other)?.secret.salt);
    assert.equal(JSON.stringify([...store.records.values()]).includes(clientSecret), false);
    assert.equal(/hash|salt|tokenVersion/.test(JSON.stringify(clients.list())), false);
  });

  it('are recognised by a hash of other parameters too', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['read'] });
    const record = store.records.get(clientId);
    assert.ok(record);
    // RFC 7914, 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first 32 bytes
    const hash = '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2';
    const salt = Buffer.from('SodiumChloride').toString('base64url');
    store.records.set(clientId, {
      ...record,
      secret: { N: 16_384, r: 8, p: 1, salt, hash: Buffer.from(hash, 'hex').toString('base64url') },
    });
    clients = await opened();
    assert.equal((await clients.logIn(clientId, 'pleaseletmein')).clientId, clientId);
    await assert.rejects(clients.logIn(clientId, clientSecret), { code: 'unauthorized' });
  });

  it('show when they logged in last, and write it once in a while', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['read'] });
    assert.equal(clients.list()[0]?.lastUsedAt, undefined);
    await clients.logIn(clientId, clientSecret);
    now += 60_000;
    await clients.logIn(clientId, clientSecret);
    assert.equal(clients.list()[0]?.lastUsedAt, now);
    assert.equal(store.records.get(clientId)?.lastUsedAt, NOW);
    now -= 3_600_000;
    await clients.logIn(clientId, clientSecret);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(store.records.get(clientId)?.lastUsedAt, now);
  });

  it('are gone when they are removed, their tokens void', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['admin'] });
    await clients.remove(clientId);
    assert.deepEqual(voided, [clientId]);
    assert.equal(clients.tokenVersion(clientId), undefined);
    await assert.rejects(clients.logIn(clientId, clientSecret), { code: 'unauthorized' });
    await assert.rejects(clients.remove(clientId), { code: 'notFound' });
    assert.deepEqual((await opened()).list(), []);
  });

  it('stay removed when that happens while they log in', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['read'] });
    const loggingIn = clients.logIn(clientId, clientSecret);
    await clients.remove(clientId);
    await assert.rejects(loggingIn, { code: 'unauthorized' });
    assert.equal(store.records.size, 0);
  });

  it('may have their tokens voided and stay', async () => {
    const { clientId, clientSecret } = await clients.add({ name: 'panel', scopes: ['read'] });
    const before = clients.tokenVersion(clientId);
    await clients.voidTokens(clientId);
    assert.deepEqual(voided, [clientId]);
    assert.notEqual((await opened()).tokenVersion(clientId), before);
    await clients.logIn(clientId, clientSecret);
  });

  it('are refused, each wrong field named, when they are not as they should be', async () => {
    const wrong: [unknown, RegExp][] = [
      [undefined, /must be an object/],
      [{ name: '', scopes: ['read'] }, /"name" must be 1 to 64/],
      [{ name: 'x'.repeat(65), scopes: ['read'] }, /"name"/],
      [{ name: 'a', scopes: [] }, /"scopes" must be a list/],
      [{ name: 'a', scopes: 'read' }, /"scopes"/],
      [{ name: 'a', scopes: ['write'] }, /"scopes.0" may be read, control, admin/],
    ];
    for (const [input, message] of wrong) {
      await assert.rejects(clients.add(input), { code: 'badRequest', message });
    }
  });

  it('are at most a thousand', async () => {
    const { clientId } = await clients.add({ name: 'a', scopes: ['read'] });
    const record = store.records.get(clientId);
    assert.ok(record);
    for (let n = 1; n < CLIENTS_MAX - 1; n += 1) {
      store.records.set(`c${n}`, { ...record, clientId: `c${n}` });
    }
    clients = await opened();
    const two = [0, 1].map(() => clients.add({ name: 'b', scopes: ['read'] }));
    const outcomes = await Promise.allSettled(two);
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.equal(clients.list().length, CLIENTS_MAX);
  });

  it('are refused when too many log in at once, in place of waiting without end', async () => {
    const many = Array.from({ length: 100 }, () => clients.logIn('nobody', 'x').catch((error) => error.code));
    const codes = new Set(await Promise.all(many));
    assert.deepEqual([...codes].sort(), ['tooManyRequests', 'unauthorized']);
  });
});
