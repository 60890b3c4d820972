import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { demandForeignHost } from '../../../src/cloud/device-host.ts';

describe('where a device of the cloud may be', () => {
  for (const hostname of ['192.0.2.7', '10.1.2.3', '2001:db8::7', '[2001:db8::7]'])
    it(`is ${hostname}`, () => demandForeignHost({ hostname }));

  for (const hostname of [
    '127.0.0.1',
    '127.9.9.9',
    'localhost',
    '0.0.0.0',
    '169.254.169.254',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    '[::1]',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
  ])
    it(`is not ${hostname}`, () => assert.rejects(demandForeignHost({ hostname }), { code: 'forbidden' }));

  it('is no address of this machine', async () => {
    // those of now: containers come and go
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    for (const { address: hostname } of own)
      await assert.rejects(demandForeignHost({ hostname }), { code: 'forbidden' }, hostname);
  });

  for (const hostname of ['2130706433', '0x7f.1', '127.1', '0', 'no-such-host.invalid'])
    it(`is not ${hostname}, whose address cannot be told`, () =>
      assert.rejects(demandForeignHost({ hostname }), { code: 'badRequest' }));

  it('is asked of each parameter that names a host, and of no other', async () => {
    for (const name of ['host', 'ip', 'ip_address', 'address'])
      await assert.rejects(demandForeignHost({ [name]: '127.0.0.1' }), { code: 'forbidden' });
    await demandForeignHost({ address: '1/0/0', group_address: '127.0.0.1', port: 80, host: 5 });
  });
});
