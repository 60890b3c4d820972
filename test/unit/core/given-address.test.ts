import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { demandGivenAddress } from '../../../src/core/given-address.ts';

const view = (names: Record<string, string[]> = {}) => ({
  own: () => ['192.168.1.2', 'fd00::2'],
  resolve: async (name: string) => {
    const found = names[name];
    if (!found) throw new Error('ENOTFOUND');
    return found;
  },
});

describe('the address of a device that the cloud gives', () => {
  it('may be any in the network', async () => {
    for (const hostname of ['192.168.1.7', '10.0.0.1', 'fd00::7', '203.0.113.9']) {
      await demandGivenAddress({ hostname }, view());
    }
    await demandGivenAddress({ hostname: 'plug.lan' }, view({ 'plug.lan': ['192.168.1.7'] }));
    await demandGivenAddress({ ieeeAddress: '0x1' }, view());
  });

  it('is neither the gateway itself nor link-local, however it is written', async () => {
    const never = [
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '169.254.169.254',
      '224.0.0.1',
      '255.255.255.255',
      '192.168.1.2',
    ];
    for (const hostname of [
      ...never,
      '::1',
      '::',
      'fe80::1',
      'ff02::1',
      'fd00::2',
      '::ffff:127.0.0.1',
      '::ffff:a9fe:a9fe',
      '::ffff:192.168.1.2',
    ]) {
      await assert.rejects(demandGivenAddress({ hostname }, view()), { code: 'badRequest' }, hostname);
    }
  });

  it('is no name that leads there, be it with one of several addresses', async () => {
    const names = { 'a.lan': ['192.168.1.7', '127.0.0.1'], 'b.lan': ['169.254.1.1'] };
    for (const hostname of ['a.lan', 'b.lan', 'unknown.lan']) {
      await assert.rejects(demandGivenAddress({ hostname }, view(names)), { code: 'badRequest' }, hostname);
    }
  });

  it('is checked against this very box', async () => {
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    for (const { address } of own) {
      await assert.rejects(demandGivenAddress({ hostname: address }), { code: 'badRequest' }, address);
    }
    await assert.rejects(demandGivenAddress({ hostname: 'localhost' }), { code: 'badRequest' });
  });
});
