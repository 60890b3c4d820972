import assert from 'node:assert/strict';
import * as v from 'valibot';
import { containerSchema } from '../../../../src/contract/container.ts';
import {
  containerDescriptor,
  type DescriptorInput,
} from '../../../../src/supervisor/containers/container-descriptor.ts';

const MIB = 1024 * 1024;
const TMPFS = 'rw,noexec,nosuid,nodev,size=16m,mode=1777';

const input = (container: object = {}, changes: Partial<DescriptorInput> = {}): DescriptorInput => ({
  gatewayId: 'box',
  slug: 'zigbee',
  image: { name: 'instathings/gate-addon-zigbee:1', id: 'sha256:abc' },
  manifest: v.parse(containerSchema, { image: 'instathings/gate-addon-zigbee:1', ...container }),
  parameters: {},
  nodes: [],
  brokerUrl: 'mqtt://172.18.0.1:1883',
  ...changes,
});

describe('the descriptor of a container', () => {
  it('has what the manifest names, and nothing else', () => {
    const node = { hostPath: '/dev/ttyUSB0', containerPath: '/dev/serial/by-id/usb-stick', groupId: 20 };
    const given = input(
      { memoryMb: 256, cpuPercent: 50, pids: 100, environment: { TZ: 'UTC' } },
      { nodes: [node] },
    );
    const { mark, options } = containerDescriptor(given);
    assert.deepEqual(options('the-token'), {
      name: `gate-zigbee-${mark}`,
      Image: 'sha256:abc',
      Env: [
        'TZ=UTC',
        'GATE_BROKER_URL=mqtt://172.18.0.1:1883',
        'GATE_ADDON=zigbee',
        'GATE_DATA_FOLDER=/data',
        'GATE_ADDON_TOKEN=the-token',
      ],
      ExposedPorts: {},
      StopTimeout: 5,
      Tty: false,
      OpenStdin: false,
      HostConfig: {
        Privileged: false,
        CapAdd: [],
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        Tmpfs: { '/tmp': TMPFS },
        Memory: 256 * MIB,
        MemorySwap: 256 * MIB,
        NanoCpus: 500_000_000,
        PidsLimit: 100,
        Devices: [
          {
            PathOnHost: '/dev/ttyUSB0',
            PathInContainer: '/dev/serial/by-id/usb-stick',
            CgroupPermissions: 'rw',
          },
        ],
        GroupAdd: ['20'],
        Mounts: [{ Type: 'volume', Source: 'gate-box-zigbee', Target: '/data' }],
        NetworkMode: 'gate-net',
        PortBindings: {},
        IpcMode: 'private',
        Init: true,
        RestartPolicy: { Name: 'no' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
      },
      Labels: {
        'gate.gateway': 'box',
        'gate.addon': 'zigbee',
        'gate.mark': mark,
        'gate.image': 'sha256:abc',
      },
    });
  });

  it('lets it read what is sent for it, in its data path', () => {
    const given = input({ dataPath: '/store' }, { uploadsFolder: '/var/lib/gate/run/uploads/zigbee' });
    assert.deepEqual(containerDescriptor(given).options('t').HostConfig?.Mounts, [
      { Type: 'volume', Source: 'gate-box-zigbee', Target: '/store' },
      {
        Type: 'bind',
        Source: '/var/lib/gate/run/uploads/zigbee',
        Target: '/store/uploads',
        ReadOnly: true,
      },
    ]);
  });

  it('gives a service no login, and its port where the parameter says', () => {
    const service = {
      dataPath: '/flows',
      ports: [{ container: 1880, parameter: 'port' }],
      service: { port: 1880 },
    };
    const options = containerDescriptor(input(service, { parameters: { port: 8080 } })).options('the-token');
    assert.deepEqual(options.Env, []);
    assert.deepEqual(options.ExposedPorts, { '1880/tcp': {} });
    assert.deepEqual(options.HostConfig?.PortBindings, { '1880/tcp': [{ HostPort: '8080' }] });
    assert.deepEqual(options.HostConfig?.Mounts, [
      { Type: 'volume', Source: 'gate-box-zigbee', Target: '/flows' },
    ]);
  });

  it('has the same mark as long as it is made the same, whatever its token', () => {
    const { mark } = containerDescriptor(input());
    assert.equal(containerDescriptor(input()).mark, mark);
    const others = [
      input({ memoryMb: 256 }),
      input({}, { brokerUrl: 'mqtt://172.18.0.1:1884' }),
      input({}, { image: { name: 'instathings/gate-addon-zigbee:1', id: 'sha256:abd' } }),
      input({}, { gatewayId: 'another' }),
    ];
    for (const other of others) assert.notEqual(containerDescriptor(other).mark, mark);
  });
});

describe('what a manifest says of its container', () => {
  const says = (container: object) => v.safeParse(containerSchema, { image: 'a/b:1', ...container }).success;

  it('is bounded and cannot leave its place', () => {
    assert.equal(says({}), true);
    for (const container of [
      { devices: [{ path: '/etc/passwd' }] },
      { devices: [{ path: '/dev/../etc/passwd' }] },
      { dataPath: '/data/../..' },
      { memoryMb: 8 },
      { pids: 1 },
      { environment: { GATE_ADDON_TOKEN: 'x' } },
      { ports: [{ container: 70_000 }] },
      { service: { port: 80, path: 'no' } },
    ])
      assert.equal(says(container), false, JSON.stringify(container));
  });

  it('names an image as engines do', () => {
    for (const image of ['a', 'a/b', 'a/b:1.0', 'r.local:5000/a/b', `a/b@sha256:${'0'.repeat(64)}`])
      assert.equal(says({ image }), true, image);
    for (const image of ['', 'A/b', 'a b', '-a', 'a:', 'a//b', '../a', 'a@sha256:12'])
      assert.equal(says({ image }), false, image);
  });
});
