/** The link to the cloud: connected, told of, broken and made again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectMqtt } from 'mqtt';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from './cloud-house.ts';

const VERSION = JSON.parse(readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')).version;

describe('the link to the cloud', function () {
  this.timeout(90_000);
  let house: CloudHouse;
  before(function () {
    const reason = obstacle();
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  afterEach(() => house?.close());

  it('is made with the credentials folder as it is, and tells that it is there and what runs', async () => {
    house = await CloudHouse.open();
    await house.startDaemon();
    await house.connected();
    await house.heard(
      'discover',
      'status',
      ({ eventType }: { eventType: string }) => eventType === 'connected',
    );
    const { versions } = await house.heard<{ versions: Record<string, string> }>('discover', 'version');
    assert.equal(versions['gate'], `instathings/gate:${VERSION}`);
    assert.equal(versions['http'], `http:${VERSION}`);
    const { logs } = await house.heard<{ logs: { type: string; message: string; timestamp: number }[] }>(
      'discover',
      'gate/logs',
    );
    assert.ok(logs.some(({ message }) => message.includes('gate is up')));

    assert.equal(await house.stopDaemon(), 0);
    await house.heard(
      'discover',
      'status',
      ({ eventType }: { eventType: string }) => eventType === 'disconnected',
    );
  });

  it('has topics and client id with NODE_ENV before them, outside production', async () => {
    house = await CloudHouse.open({ environment: 'staging' });
    await house.startDaemon();
    await house.connected();
    await house.heard('discover', 'version');
    assert.ok(house.topic('discover', 'version').startsWith('staging-discover/JtjYANUvs/staging-9IHOifUF4/'));
  });

  it('leaves its will when the box loses its power, and is told by events when it comes and goes', async () => {
    house = await CloudHouse.open();
    const daemon = await house.startDaemon();
    await house.connected();
    await house.heard(
      'discover',
      'status',
      ({ eventType }: { eventType: string }) => eventType === 'connected',
    );
    await daemon.kill();
    await house.heard(
      'discover',
      'status',
      ({ eventType }: { eventType: string }) => eventType === 'disconnected',
    );
  });

  it('comes back after an outage, says in health why it was away, and tells it as a notification', async () => {
    house = await CloudHouse.open();
    await house.startDaemon();
    await house.connected();
    await house.broker.stop();
    const { reason } = await house.healthIs('it is away', ({ state }) => state === 'degraded');
    assert.match(
      String(reason),
      /the broker closed the connection|broker ended the connection|refused|broken off/,
    );
    await house.reasonIs(/nothing answers at 127\.0\.0\.1:\d+: the connection was refused/);
    const { notifications } = await until('a notification', async () => {
      const told = await house.daemon.api.get<{ notifications: { message: string }[] }>(
        '/history/notifications/history',
      );
      return (
        told.notifications.some(({ message }) => message.startsWith('the cloud cannot be reached')) && told
      );
    });
    assert.ok(notifications.length > 0);
    await house.broker.start();
    await house.connected();
    await until(
      'it said its version again',
      () => house.cloud.on(house.topic('discover', 'version')).length >= 2,
    );
  });

  it('follows the name of its endpoint to another address', async function () {
    // a file of names of its own, laid over that of the box
    const probe = spawnSync('unshare', ['-m', 'sh', '-c', 'mount --bind /etc/hostname /etc/hosts']);
    if (probe.status !== 0) {
      console.log('      skipped: a file of names of its own needs root: unshare -m and mount');
      this.skip();
    }
    const host = 'cloud.gate.test';
    house = await CloudHouse.open({ host, alternativeNames: `IP:127.0.0.1,IP:127.0.0.2,DNS:${host}` });
    const hosts = house.file('hosts');
    writeFileSync(hosts, `127.0.0.1 localhost ${host}\n`);
    mkdirSync(house.dataFolder, { recursive: true });
    await house.startDaemon({}, [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount --bind "$0" /etc/hosts && exec "$@"`,
      hosts,
    ]);
    await house.connected();
    await house.broker.stop();
    writeFileSync(hosts, `127.0.0.1 localhost\n127.0.0.2 ${host}\n`);
    await house.reasonIs(/nothing answers at cloud\.gate\.test:\d+/);
    await house.broker.start({ address: '127.0.0.2' });
    await house.connected();
  });

  it('finds a connection that is half open', async () => {
    house = await CloudHouse.open();
    await house.startDaemon({ CLOUD_KEEP_ALIVE_SECONDS: '5' });
    await house.connected();
    house.broker.freeze();
    await house.reasonIs(/was silent for 5 s: the connection is dead|did not answer/);
    house.broker.thaw();
    await house.connected();
  });

  it('knows a second client with its id, and lets it be for a while', async () => {
    house = await CloudHouse.open();
    await house.startDaemon({ CLOUD_RETRY_MAX_SECONDS: '300' });
    await house.connected();
    const read = (name: string) => readFileSync(join(house.credentials, name));
    const second = connectMqtt({
      protocol: 'mqtts',
      host: '127.0.0.1',
      port: house.broker.port,
      ca: read('awsRootCA1.pem'),
      cert: read('certificate.pem'),
      key: read('private.key'),
      clientId: house.place.gatewayId,
      reconnectPeriod: 100,
    });
    try {
      // mosquitto says nothing when it closes the one for the other
      await house.reasonIs(/another client (has connected|connects) with the id of this gateway/);
    } finally {
      await second.endAsync(true);
    }
  });

  it('names subscriptions and messages that the broker does not allow', async () => {
    house = await CloudHouse.open({ access: ['pattern write discover/+/%u/status'] });
    await house.startDaemon();
    await until('it is named in the log', () =>
      house.daemon.log.some(({ msg }) => /did not reach the cloud: .*discover.*not authorized/.test(msg)),
    );
  });

  it('is not there where HOST is not set, and says so where only the certificate is missing', async () => {
    house = await CloudHouse.open();
    const alone = await house.startDaemon({ CONFIG_FOLDER: house.dataFolder });
    assert.equal(await house.health(), undefined);
    assert.ok(alone.url);
    await house.stopDaemon();
    await house.startDaemon({ CONFIG_FOLDER: house.dataFolder, HOST: '127.0.0.1' });
    const { reason } = await house.healthIs('it is not there', ({ state }) => state === 'stopped');
    assert.match(String(reason), /certificate\.pem is missing: the gateway stands alone/);
  });
});
