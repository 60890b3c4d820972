/** The link at brokers that say no, each in its way: a scripted one, and aedes, which knows MQTT 3.1.1 alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { Aedes } from 'aedes';
import { Authority } from '../../../scripts/cloud/authority.ts';
import { writeCredentials } from '../../../scripts/cloud/credentials-folder.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import type { CloudConnection, Incoming } from '../../../src/cloud/connection.ts';
import { CloudLink } from '../../../src/cloud/link.ts';
import type { LinkEnd } from '../../../src/cloud/link-end.ts';
import { Retry } from '../../../src/cloud/retry.ts';
import { CloudTopics } from '../../../src/cloud/topics.ts';
import { type Client, ScriptedCloudBroker } from '../../simulators/scripted-cloud-broker.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const place = { projectId: 'P', gatewayId: 'G', host: '127.0.0.1' };

describe('the link to a broker that says no', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof tempFolder>;
  let authority: Authority;
  let broker: ScriptedCloudBroker;
  let port: number;
  let link: CloudLink | undefined;
  let ups: { connection: CloudConnection; refused: readonly string[] }[];
  let downs: (LinkEnd & { byUs: boolean })[];
  let troubles: string[];
  let messages: Incoming[];
  /** Ends the handling of the messages that came. */
  let handle: (message: Incoming) => Promise<void>;

  before(function () {
    const reason = reasonToSkip('openssl');
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      this.skip();
    }
    folder = tempFolder();
    authority = new Authority(join(folder.path, 'authority'));
  });
  after(() => folder?.remove());
  beforeEach(async () => {
    broker = new ScriptedCloudBroker(authority);
    port = await broker.start();
    [ups, downs, troubles, messages] = [[], [], [], []];
    handle = () => Promise.resolve();
  });
  afterEach(async () => {
    await link?.stop();
    link = undefined;
    await broker.stop();
  });

  function begin(to = port, { unacknowledgedMax = 100 } = {}): CloudLink {
    const credentialsFolder = join(folder.path, `credentials-${to}`);
    writeCredentials(credentialsFolder, { ...place, port: to }, authority);
    const topics = new CloudTopics({ ...place, environment: '' });
    link = new CloudLink({
      endpoint: { host: place.host, port: to },
      credentialsFolder,
      topics,
      limits: { publishesPerSecond: 0, unacknowledgedMax },
      keepAliveSeconds: 60,
      will: { topic: topics.of('discover', 'status'), payload: '{"eventType":"disconnected"}' },
      retry: new Retry({ maxMs: 50, random: Math.random }),
      monotonicNow: () => performance.now(),
      aboutTime: () => '',
      onMessage: (message) => {
        messages.push(message);
        return handle(message);
      },
      onUp: (connection, refused) => ups.push({ connection, refused }),
      onDown: (end) => downs.push(end),
      onTrouble: (reason) => troubles.push(reason),
      onCredentials: () => {},
    });
    link.start();
    return link;
  }

  const up = (count = 1) => until('the link is up', () => ups[count - 1]);
  const troubled = (words: RegExp) =>
    until(String(words), () => troubles.find((reason) => words.test(reason)));
  const last = () => broker.clients.at(-1) as Client;

  it('subscribes in groups of at most 8, with a will that stays, in a session that is kept', async () => {
    begin();
    await up();
    const groups = broker.received.flatMap((packet) =>
      packet.cmd === 'subscribe' ? [packet.subscriptions.length] : [],
    );
    assert.deepEqual(groups, [8, 1]);
    const { clientId, clean, properties } = last();
    assert.deepEqual([clientId, clean, properties['sessionExpiryInterval']], ['G', false, 7 * 86_400]);
  });

  for (const [code, words] of [
    [0x85, /refuses the connection: it does not take this client id/],
    [0x87, /refuses the connection: this certificate is not authorized \(ask support\)/],
    [0x88, /it is not available/],
    [0x8a, /this client is banned/],
    [0x97, /a quota is used up/],
    [0x9f, /connections come too fast/],
  ] as const)
    it(`names the refusal 0x${code.toString(16)} of MQTT 5, and tries on`, async () => {
      broker.onConnect = () => ({
        cmd: 'connack',
        sessionPresent: false,
        reasonCode: code,
        ...(code === 0x87 ? { properties: { reasonString: 'ask support' } } : {}),
      });
      begin();
      await troubled(words);
      broker.onConnect = () => undefined;
      await up();
    });

  it('says that another client took the id, where the broker says it', async () => {
    begin();
    await up();
    last().send({ cmd: 'disconnect', reasonCode: 0x8e });
    await troubled(/another client has connected with the id of this gateway/);
    assert.deepEqual([downs[0]?.code, downs[0]?.byUs], ['DUPLICATE_CLIENTID', false]);
  });

  it('suspects another client where the broker only closes, again and again', async () => {
    begin();
    for (let n = 1; n <= 3; n += 1) {
      await up(n);
      last().end();
      await until('it is down', () => downs.length === n);
    }
    assert.deepEqual(
      downs.map(({ code }) => code),
      ['CONNECTION_LOST', 'CONNECTION_LOST', 'DUPLICATE_CLIENTID'],
    );
  });

  it('names what it may not publish and what it may not subscribe to', async () => {
    broker.onPacket = (packet) => {
      if (packet.cmd === 'subscribe' && packet.messageId !== undefined)
        return {
          cmd: 'suback',
          messageId: packet.messageId,
          granted: packet.subscriptions.map(({ topic }) => (topic.endsWith('/set') ? 0x87 : 1)),
        };
      if (packet.cmd === 'publish' && packet.messageId !== undefined)
        return { cmd: 'puback', messageId: packet.messageId, reasonCode: 0x87 };
      return undefined;
    };
    begin();
    const { connection, refused } = await up();
    assert.deepEqual(refused, ['control/P/G/+/set']);
    await assert.rejects(connection.publish('data/P/G/d', '{}'), {
      code: 'cloudRefused',
      message: /refuses what is published to data\/P\/G\/d: this certificate is not authorized/,
    });
  });

  it('rejects what was not acknowledged when the connection ends, and what waits behind it', async () => {
    broker.onPacket = ({ cmd }) => (cmd === 'publish' ? 'nothing' : undefined);
    begin(port, { unacknowledgedMax: 1 });
    const { connection } = await up();
    const outcomes = Promise.allSettled([connection.publish('a', '1'), connection.publish('a', '2')]);
    await until('the first was sent', () => broker.received.some(({ cmd }) => cmd === 'publish'));
    last().end();
    const codes = (await outcomes).map((each) => each.status === 'rejected' && each.reason.code);
    assert.deepEqual(codes, ['cloudGone', 'cloudGone']);
    assert.equal(broker.received.filter(({ cmd }) => cmd === 'publish').length, 1);
    await assert.rejects(connection.publish('a', '3'), { code: 'cloudGone' });
  });

  it('keeps to the limits that the broker names', async () => {
    broker.onConnect = () => ({
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: { receiveMaximum: 2, maximumPacketSize: 100 },
    });
    broker.onPacket = ({ cmd }) => (cmd === 'publish' ? 'nothing' : undefined);
    begin();
    const { connection } = await up();
    await assert.rejects(connection.publish('a', 'x'.repeat(200)), { code: 'tooLarge' });
    for (let n = 0; n < 5; n += 1) connection.publish('a', String(n)).catch(() => {});
    const ids = () =>
      broker.received.flatMap((packet) => (packet.cmd === 'publish' ? [packet.messageId ?? 0] : []));
    await until('two were sent', () => ids().length === 2);
    last().send({ cmd: 'puback', messageId: ids()[0] as number });
    await until('the next one was sent', () => ids().length === 3);
  });

  it('acknowledges a command when it is done, and not before', async () => {
    let done = () => {};
    handle = () => new Promise((resolve) => (done = resolve));
    begin();
    await up();
    const command = { cmd: 'publish', topic: 'control/P/G/d/set', payload: '{}', qos: 1, dup: true } as const;
    last().send({
      ...command,
      retain: false,
      messageId: 7,
      properties: { userProperties: { deadline: '5' } },
    });
    const [message] = await until('it came', () => messages.length > 0 && messages);
    assert.deepEqual([message?.packetId, message?.isRepeat, message?.properties['deadline']], [7, true, '5']);
    const acknowledged = () =>
      broker.received.some(({ cmd, messageId }) => cmd === 'puback' && messageId === 7);
    assert.equal(acknowledged(), false);
    done();
    await until('it is acknowledged', acknowledged);
  });

  it('lets go of a session with a message that is far too large, and begins anew', async () => {
    begin();
    await up();
    // a PUBLISH that says it has 128 MiB
    last().write(Buffer.from([0x32, 0x80, 0x80, 0x80, 0x40]));
    await troubled(/sent a message of more than 1048576 bytes/);
    await up(2);
    assert.equal(last().clean, true);
  });

  it('survives what is not MQTT', async () => {
    begin();
    await up();
    last().write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await until('it is down', () => downs.length === 1);
    await up(2);
  });

  it('speaks MQTT 3.1.1 where the broker knows no 5', async () => {
    const aedes = await Aedes.createBroker();
    const { certificate: cert, key } = authority.issue({
      commonName: 'aedes',
      alternativeNames: 'IP:127.0.0.1',
    });
    const server = createServer(
      { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true },
      aedes.handle,
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const heard: string[] = [];
    aedes.on('publish', ({ topic }) => heard.push(topic));
    try {
      begin((server.address() as AddressInfo).port);
      const { connection, refused } = await up();
      assert.deepEqual(refused, []);
      await connection.publish('discover/P/G/version', '{}');
      assert.ok(heard.includes('discover/P/G/version'));
      await link?.stop();
    } finally {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
    }
  });
});
