import assert from 'node:assert/strict';
import { addressKey } from '../../../src/api/caller-address.ts';

describe('the address that a caller is counted under', () => {
  const cases: [string | undefined, string][] = [
    ['192.168.1.7', '192.168.1.7'],
    ['::ffff:192.168.1.7', '192.168.1.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [undefined, ''],
  ];
  for (const [address, key] of cases) {
    it(`is ${key || 'empty'} for ${address}`, () => assert.equal(addressKey(address), key));
  }
});
