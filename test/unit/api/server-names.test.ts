import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { serverNames } from '../../../src/api/certificates/server-names.ts';

function info(address: string): NetworkInterfaceInfo {
  return { address, internal: false } as NetworkInterfaceInfo;
}

describe('what callers know the box by', () => {
  it('is its name with and without .local, localhost, ALLOWED_HOSTS and its addresses, each once', () => {
    const names = serverNames({
      hostname: 'Box',
      allowedHosts: ['gate.example', 'localhost'],
      interfaces: {
        lo: [info('127.0.0.1'), info('::1')],
        eth0: [info('192.168.1.20'), info('fd00::2'), info('fe80::1')],
        docker0: [info('172.17.0.1')],
        'br-1a2b': [info('172.18.0.1')],
      },
    });
    assert.deepEqual(names, {
      hosts: ['box', 'box.local', 'localhost', 'gate.example'],
      addresses: ['127.0.0.1', '::1', '192.168.1.20', 'fd00::2'],
    });
  });

  it('leaves out what is no name in the sense of DNS', () => {
    const { hosts } = serverNames({
      hostname: 'my_box',
      allowedHosts: ['*.example', 'a b', 'x-.y'],
      interfaces: {},
    });
    assert.deepEqual(hosts, ['localhost']);
  });

  it('takes a name that ends in .local as it is', () => {
    const { hosts } = serverNames({ hostname: 'box.local', allowedHosts: [], interfaces: {} });
    assert.deepEqual(hosts, ['box.local', 'localhost']);
  });
});
