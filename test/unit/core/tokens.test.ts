import assert from 'node:assert/strict';
import { randomBytes, type webcrypto } from 'node:crypto';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { Clients } from '../../../src/core/clients/clients.ts';
import { CLOCK_TOLERANCE_SECONDS, Tokens } from '../../../src/core/clients/tokens.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import type { Client } from '../../../src/model/client.ts';
import { MemoryClients, MemoryRegistry } from '../../support/memory-ports.ts';

const NOW = 1_700_000_000_000;
const HOUR_S = 3_600;

describe('access tokens', () => {
  let registry: MemoryRegistry;
  let clients: Clients;
  let client: Client;
  let tokens: Tokens;
  let now: number;

  const opened = async (issuer = 'gateway', keptIn = registry) => {
    const parts = { clients, registry: keptIn, issuer, lifetimeSeconds: HOUR_S, now: () => now };
    const made = new Tokens({ ...parts, newId: () => 'id' });
    await made.start();
    return made;
  };
  const refused = (token: string, message: RegExp) =>
    assert.rejects(tokens.verify(token), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'unauthorized');
      assert.match(error.message, message);
      assert.equal(error.message.includes(token), false);
      return true;
    });
  const claims = () => ({ scope: 'admin', ver: 1, sub: client.clientId, iss: 'gateway', jti: 'id' });
  const signed = (payload: Record<string, unknown>, key: Uint8Array | webcrypto.CryptoKey, alg = 'HS256') =>
    new SignJWT(payload)
      .setProtectedHeader({ alg })
      .setIssuedAt(now / 1_000)
      .setExpirationTime(now / 1_000 + HOUR_S)
      .sign(key);
  const ownKey = async () => Buffer.from(await registry.keep('tokenKey', String), 'base64url');

  beforeEach(async () => {
    now = NOW;
    registry = new MemoryRegistry();
    const events = new EventBus<GatewayEvents>(() => undefined);
    clients = new Clients({ store: new MemoryClients(), events, now: () => now });
    await clients.add({ name: 'a', scopes: ['control'] });
    client = clients.list()[0] as Client;
    tokens = await opened();
  });

  it('tell their client, scopes and end, also after a restart', async () => {
    const { token, expiresInSeconds } = await tokens.issue(client, ['read', 'control']);
    assert.equal(expiresInSeconds, HOUR_S);
    for (const there of [tokens, await opened()]) {
      const grant = await there.verify(token);
      assert.deepEqual([grant.clientId, grant.scopes], [client.clientId, ['read', 'control']]);
    }
    const [header = '', payload = ''] = token.split('.');
    assert.deepEqual(JSON.parse(Buffer.from(header, 'base64url').toString()), { alg: 'HS256', typ: 'JWT' });
    const told = JSON.parse(Buffer.from(payload, 'base64url').toString());
    assert.deepEqual(Object.keys(told).sort(), ['exp', 'iat', 'iss', 'jti', 'scope', 'sub', 'ver']);
  });

  it('expire, and say so', async () => {
    const { token } = await tokens.issue(client, ['read']);
    now += (HOUR_S + CLOCK_TOLERANCE_SECONDS + 1) * 1_000;
    await refused(token, /has expired/);
  });

  it('bear a clock that is corrected a little, either way', async () => {
    const { token } = await tokens.issue(client, ['read']);
    for (const offset of [-CLOCK_TOLERANCE_SECONDS, HOUR_S + CLOCK_TOLERANCE_SECONDS - 1]) {
      now = NOW + offset * 1_000;
      await tokens.verify(token);
    }
  });

  it('issued at 1970 are void once the clock is right, and those of today while it is at 1970', async () => {
    const { token: today } = await tokens.issue(client, ['read']);
    now = 5_000;
    await refused(today, /invalid.*yet to reach/);
    const { token: early } = await tokens.issue(client, ['read']);
    await tokens.verify(early);
    now = NOW;
    await refused(early, /expired/);
    await tokens.verify(today);
  });

  it('are void when their client is removed, or they are', async () => {
    const { token } = await tokens.issue(client, ['read']);
    await clients.voidTokens(client.clientId);
    await refused(token, /revoked/);
    const { token: later } = await tokens.issue(client, ['read']);
    await tokens.verify(later);
    await clients.remove(client.clientId);
    await refused(later, /revoked/);
  });

  it('of another gateway are foreign, whether by key or by name', async () => {
    const foreign = await opened('gateway', new MemoryRegistry());
    await refused((await foreign.issue(client, ['read'])).token, /invalid/);
    const renamed = await opened('other');
    await refused((await renamed.issue(client, ['read'])).token, /invalid/);
  });

  it('that were tampered with are refused', async () => {
    const { token } = await tokens.issue(client, ['read']);
    const [header = '', , signature = ''] = token.split('.');
    const payload = Buffer.from(JSON.stringify({ ...claims(), exp: now })).toString('base64url');
    const other = signature.startsWith('A') ? 'B' : 'A';
    await refused(`${header}.${payload}.${signature}`, /invalid/);
    await refused(`${token.slice(0, -signature.length)}${other}${signature.slice(1)}`, /invalid/);
    for (const nonsense of ['', 'a', 'a.b.c', '..', 'x'.repeat(100_000), `${token}.`, token.slice(0, -1)]) {
      await assert.rejects(tokens.verify(nonsense), { code: 'unauthorized' });
    }
  });

  it('without a signature, or of another algorithm, are refused', async () => {
    const unsigned = new UnsecuredJWT(claims())
      .setIssuedAt(now / 1_000)
      .setExpirationTime('1h')
      .encode();
    await refused(unsigned, /invalid/);
    await refused(await signed(claims(), randomBytes(64), 'HS512'), /invalid/);
    const key = await ownKey();
    await refused(await signed(claims(), Buffer.concat([key, key]), 'HS512'), /invalid/);
    const { privateKey } = await generateKeyPair('ES256');
    await refused(await signed(claims(), privateKey, 'ES256'), /invalid/);
  });

  it('need every claim', async () => {
    const key = await ownKey();
    await tokens.verify(await signed(claims(), key));
    for (const name of Object.keys(claims())) {
      const { [name]: _, ...rest } = claims() as Record<string, unknown>;
      await assert.rejects(tokens.verify(await signed(rest, key)), { code: 'unauthorized' }, name);
    }
    await refused(await signed({ ...claims(), scope: 'root' }, key), /invalid/);
    const endless = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt(now / 1_000)
      .sign(key);
    await refused(endless, /invalid/);
  });
});
