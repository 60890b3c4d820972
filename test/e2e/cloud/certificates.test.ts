/** What can be wrong with certificates, each named in health; files that are replaced; a new one on the cloud's request. */
import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import { Authority } from '../../../scripts/cloud/authority.ts';
import { writeCredentials } from '../../../scripts/cloud/credentials-folder.ts';
import { withoutDates } from '../../support/openssl.ts';
import { until } from '../../support/until.ts';
import { CloudHouse, obstacle } from './cloud-house.ts';

const DAY_MS = 86_400_000;

interface Told {
  requestId: string;
  status: { eventType: string; reason?: { code: string; message: string } };
  signingRequest?: string;
}

describe('the certificates of the link to the cloud', function () {
  this.timeout(90_000);
  let house: CloudHouse;
  before(function () {
    const reason = obstacle();
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });
  afterEach(() => house?.close());

  const file = (name: string) => join(house.credentials, name);
  const read = (name: string) => readFileSync(file(name), 'utf8');
  const issue = (dates: { validFrom?: number; expiresAt?: number } = {}) =>
    house.authority.issue({ commonName: house.place.gatewayId, ...dates });
  const use = (pair: { certificate: string; key: string }) =>
    writeCredentials(house.credentials, house.place, house.authority, pair);
  const notified = (words: RegExp) =>
    until(`a notification ${words}`, async () => {
      const { notifications } = await house.daemon.api.get<{ notifications: { message: string }[] }>(
        '/history/notifications/history',
      );
      return notifications.some(({ message }) => words.test(message));
    });

  describe('are named when they do not work:', () => {
    it('one that has expired, which is a notification too', async () => {
      house = await CloudHouse.open();
      use(issue({ validFrom: Date.now() - 10 * DAY_MS, expiresAt: Date.now() - DAY_MS }));
      await house.startDaemon();
      await house.reasonIs(
        /refuses the certificate of this gateway: it has expired; the clock of this box says 20/,
      );
      await notified(/^the certificate of the link to the cloud expired on 20/);
    });

    it('one that expires soon, while the link works', async () => {
      house = await CloudHouse.open();
      use(issue({ expiresAt: Date.now() + 6.5 * DAY_MS }));
      await house.startDaemon();
      await house.connected();
      await notified(/^the certificate of the link to the cloud expires in 7 days/);
    });

    it('one of another authority', async () => {
      house = await CloudHouse.open();
      const other = new Authority(join(house.dataFolder, 'other'), 'another authority');
      use(other.issue({ commonName: house.place.gatewayId }));
      await house.startDaemon();
      await house.reasonIs(/refuses the certificate of this gateway: it knows nothing of who issued it/);
    });

    it('one that was revoked', async () => {
      house = await CloudHouse.open();
      house.authority.revoke(read('certificate.pem'));
      await house.broker.stop();
      await house.broker.start({ checksRevocation: true });
      await house.startDaemon();
      await house.reasonIs(/refuses the certificate of this gateway: it was revoked/);
      await notified(/^the cloud cannot be reached: .*it was revoked/);
    });

    it('a broker whose certificate is for another host', async () => {
      house = await CloudHouse.open({ alternativeNames: 'DNS:elsewhere.example' });
      await house.startDaemon();
      await house.reasonIs(/shows a certificate for another host: .*127\.0\.0\.1/);
    });

    it('a broker of an authority that is not in the folder', async () => {
      house = await CloudHouse.open();
      const other = new Authority(join(house.dataFolder, 'other'), 'another authority');
      writeFileSync(file('awsRootCA1.pem'), other.certificate);
      await house.startDaemon();
      await house.reasonIs(/shows a certificate that is not of the authority in the credentials folder/);
    });

    it('a broker whose certificate is not valid yet, which is due to a clock without time', async () => {
      house = await CloudHouse.open({ validFrom: Date.now() + DAY_MS, expiresAt: Date.now() + 9 * DAY_MS });
      await house.startDaemon();
      await house.reasonIs(/is not valid yet; the clock of this box says 20.*is it right\?/);
    });

    it('a key that is missing, is none, or belongs to another certificate', async () => {
      house = await CloudHouse.open();
      const key = read('private.key');
      rmSync(file('private.key'));
      await house.startDaemon();
      await house.reasonIs(/private\.key is missing/);
      writeFileSync(file('private.key'), 'nonsense', { mode: 0o600 });
      await house.reasonIs(/private\.key holds no private key in PEM form/);
      writeFileSync(file('private.key'), issue().key);
      await house.reasonIs(/private\.key is not the private key of .*certificate\.pem/);
      writeFileSync(file('private.key'), key);
      await house.connected();
    });

    it('a certificate whose dates are damaged', async () => {
      house = await CloudHouse.open();
      const certificate = read('certificate.pem');
      writeFileSync(file('certificate.pem'), withoutDates(certificate));
      await house.startDaemon();
      await house.reasonIs(/certificate\.pem does not say when it is valid/);
      writeFileSync(file('certificate.pem'), certificate);
      await house.connected();
    });

    it('a key that every user can read; the link is made all the same', async () => {
      house = await CloudHouse.open();
      chmodSync(file('private.key'), 0o644);
      await house.startDaemon();
      const { reason } = await house.healthIs('it is named', (part) => /can be read/.test(part.reason ?? ''));
      assert.match(String(reason), /private\.key can be read by every user of this box: chmod 600/);
      assert.equal((await house.health())?.state, 'running');
      await notified(/can be read by every user/);
      chmodSync(file('private.key'), 0o600);
      await house.healthIs('it is well', (part) => part.reason === undefined && part.state === 'running');
    });

    it('none, in the log and in health, holds a word of the key', async () => {
      house = await CloudHouse.open();
      const secret = read('private.key').split('\n')[1] ?? '';
      writeFileSync(file('certificate.pem'), issue().certificate);
      const daemon = await house.startDaemon();
      await house.reasonIs(/is not the private key of/);
      assert.ok(secret.length > 40);
      assert.ok(!JSON.stringify(daemon.log).includes(secret));
    });
  });

  it('are taken without a restart when their files are replaced, and those before when they do not work', async () => {
    house = await CloudHouse.open();
    await house.startDaemon();
    const before = (await house.connected()).fingerprint;
    const next = issue();
    use(next);
    const { fingerprint256 } = new X509Certificate(next.certificate);
    assert.notEqual(fingerprint256, before);
    await house.healthIs('the new one is used', ({ fingerprint }) => fingerprint === fingerprint256);
    const versions = () => house.cloud.on(house.topic('discover', 'version')).length;
    await until('it has connected with it', () => versions() >= 2);

    const other = new Authority(join(house.dataFolder, 'other'), 'another authority');
    use(other.issue({ commonName: house.place.gatewayId }));
    const { state } = await house.reasonIs(
      /that were replaced do not work: .*who issued it; the link goes on with those before/,
    );
    assert.equal(state, 'running');
    assert.equal(versions(), 2);
  });

  describe('are renewed on the request of the cloud', () => {
    const told = (requestId: string, eventType: string) =>
      house.heard<Told>(
        'discover',
        'certificate',
        (report) => report.requestId === requestId && report.status.eventType === eventType,
      );
    const ask = async (requestId: string) => {
      await house.publish('discover', 'certificate/request', { requestId });
      return String((await told(requestId, 'requested')).signingRequest);
    };
    const put = (requestId: string, certificatePem: string) =>
      house.publish('discover', 'certificate/put', { requestId, certificatePem });

    it('with a key that is made on the box and stays there', async () => {
      house = await CloudHouse.open();
      await house.startDaemon({ ON_PREMISE_ENABLED: 'true' });
      await house.connected();
      const keyBefore = read('private.key');
      const client = io(house.daemon.url, { transports: ['websocket'] });
      const principals: string[] = [];
      client.on('connected', ({ status }) => principals.push(status.principalIdentifier));
      await until('a client listens', () => client.connected);
      const request = await ask('r1');
      assert.equal(read('private.key'), keyBefore);
      const certificate = house.authority.sign(request, { commonName: house.place.gatewayId });
      await put('r1', certificate);
      await told('r1', 'rotated');
      assert.equal(read('certificate.pem'), certificate);
      assert.ok(new X509Certificate(certificate).publicKey.equals(createPublicKey(read('private.key'))));
      assert.ok(!existsSync(file('.rotation')));
      const { fingerprint } = await house.connected();
      assert.equal(fingerprint, new X509Certificate(certificate).fingerprint256);
      await until('the new connection is told', () => principals.length > 0);
      client.close();
      assert.deepEqual(principals, [fingerprint.replaceAll(':', '').toLowerCase()]);
      const everything = JSON.stringify(house.cloud.heard);
      assert.ok(!everything.includes('PRIVATE KEY'));

      await house.stopDaemon();
      await house.startDaemon();
      await house.connected();
      const [first] = house.cloud.on(house.topic('discover', 'status'));
      assert.deepEqual(first?.payload, { eventType: 'connected' });
    });

    it('and not when the new one is refused, of another key, expired, or not the one requested: those before go on', async () => {
      house = await CloudHouse.open();
      await house.startDaemon();
      const { fingerprint } = await house.connected();
      const [certificate, key] = [read('certificate.pem'), read('private.key')];
      const commonName = house.place.gatewayId;
      const other = new Authority(join(house.dataFolder, 'other'), 'another authority');
      const expired = { validFrom: Date.now() - 9 * DAY_MS, expiresAt: Date.now() - DAY_MS };
      const cases: [string, (request: string) => string, RegExp][] = [
        ['refused', (request) => other.sign(request, { commonName }), /who issued it/],
        ['another', () => issue().certificate, /is not the private key of/],
        [
          'expired',
          (request) => house.authority.sign(request, { commonName, ...expired }),
          /has expired already/,
        ],
        ['nothing', () => 'no certificate', /holds no certificate/],
      ];
      for (const [requestId, answer, reason] of cases) {
        await put(requestId, answer(await ask(requestId)));
        assert.match(String((await told(requestId, 'failed')).status.reason?.message), reason);
      }
      await put('never-asked', certificate);
      assert.equal((await told('never-asked', 'failed')).status.reason?.code, 'conflict');
      assert.deepEqual([read('certificate.pem'), read('private.key')], [certificate, key]);
      assert.ok(!existsSync(file('.rotation')));
      assert.equal((await house.connected()).fingerprint, fingerprint);
      assert.equal(house.cloud.on(house.topic('discover', 'version')).length, 1, 'it never went away');
    });

    it('and not when the broker lets the new one in and allows it nothing', async () => {
      house = await CloudHouse.open();
      await house.startDaemon();
      const { fingerprint } = await house.connected();
      const certificate = read('certificate.pem');
      // access goes by the name in the certificate
      await put('stranger', house.authority.sign(await ask('stranger'), { commonName: 'stranger' }));
      assert.match(String((await told('stranger', 'failed')).status.reason?.message), /not authorized/);
      assert.equal(read('certificate.pem'), certificate);
      assert.equal((await house.connected()).fingerprint, fingerprint);
    });

    it('and a swap that a power cut interrupted is finished at the next start', async () => {
      house = await CloudHouse.open();
      const next = issue();
      mkdirSync(file('.rotation'));
      writeFileSync(file('.rotation/accepted'), 'r1');
      writeFileSync(file('.rotation/certificate.pem'), next.certificate);
      // its key was moved already
      writeFileSync(file('private.key'), next.key);
      await house.startDaemon();
      const { fingerprint } = await house.connected();
      assert.equal(fingerprint, new X509Certificate(next.certificate).fingerprint256);
      assert.ok(!existsSync(file('.rotation')));
    });

    it('and one whose new pair was damaged meanwhile is taken back: the pair before is used on', async () => {
      house = await CloudHouse.open();
      const before = readFileSync(file('certificate.pem'), 'utf8');
      const key = readFileSync(file('private.key'), 'utf8');
      const next = issue();
      mkdirSync(file('.rotation'));
      writeFileSync(file('.rotation/accepted'), 'r1');
      // its key was moved already, and the certificate is torn
      renameSync(file('private.key'), file('.rotation/before-private.key'));
      writeFileSync(file('private.key'), next.key);
      writeFileSync(file('.rotation/certificate.pem'), next.certificate.slice(0, 300));
      await house.startDaemon();
      const { fingerprint } = await house.connected();
      assert.equal(fingerprint, new X509Certificate(before).fingerprint256);
      assert.equal(readFileSync(file('private.key'), 'utf8'), key);
      const told = house.daemon.log.find(({ msg }) => msg.startsWith('the new certificate of the cloud'));
      assert.match(told?.msg ?? '', /is damaged .* set aside as .*\.rotation\.damaged-/);
      assert.ok(!existsSync(file('.rotation')));
    });
  });
});
