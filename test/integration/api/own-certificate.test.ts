import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import {
  OwnCertificate,
  RENEW_BEFORE_DAYS,
  VALID_DAYS,
} from '../../../src/api/certificates/own-certificate.ts';
import { makePair } from '../../support/openssl.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const DAY_MS = 86_400_000;
const NAMES = { hosts: ['box', 'box.local', 'localhost'], addresses: ['127.0.0.1', '::1', '192.168.1.20'] };

describe('the certificate that the box makes for itself', () => {
  let folder: ReturnType<typeof tempFolder>;
  let nowMs: number;
  let log: string[];
  beforeEach(() => {
    folder = tempFolder();
    nowMs = Date.now();
    log = [];
  });
  afterEach(() => folder.remove());

  const inFolder = (name: string) => join(folder.path, 'tls', name);
  const source = (names = NAMES) =>
    new OwnCertificate({
      folder: join(folder.path, 'tls'),
      names,
      now: () => nowMs,
      logger: pino({ level: 'warn' }, { write: (line) => log.push(line) }),
    });
  const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', timeout: 20_000 });
  const publicKeyOf = (certificate: string) =>
    new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' });

  it('has the names and addresses of the box, and is one that openssl takes for a server', async () => {
    const { fingerprint, key, certificate } = await source().load();
    const path = inFolder('certificate.pem');
    const text = openssl('x509', '-in', path, '-noout', '-text', '-fingerprint', '-sha256');
    assert.match(text, /DNS:box, DNS:box\.local, DNS:localhost, IP Address:127\.0\.0\.1, .*192\.168\.1\.20/);
    assert.match(text, /CA:FALSE/);
    assert.match(text, /TLS Web Server Authentication/);
    assert.equal(text.includes(fingerprint), true);
    assert.match(openssl('verify', '-purpose', 'sslserver', '-CAfile', path, path), /OK/);
    for (const name of ['-verify_hostname box.local', '-verify_ip ::1', '-verify_ip 192.168.1.20']) {
      assert.match(openssl('verify', ...name.split(' '), '-CAfile', path, path), /OK/);
    }
    assert.equal(createPublicKey(key).export({ type: 'spki', format: 'pem' }), publicKeyOf(certificate));
  });

  it('is made once, and its key is for the user that runs gate alone', async () => {
    const made = await source().load();
    assert.equal(statSync(inFolder('private.key')).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder.path, 'tls')).mode & 0o777, 0o700);
    chmodSync(inFolder('private.key'), 0o644);
    const { mtimeMs } = statSync(inFolder('certificate.pem'));
    assert.deepEqual(await source().load(), made);
    assert.equal(statSync(inFolder('certificate.pem')).mtimeMs, mtimeMs);
    assert.equal(statSync(inFolder('private.key')).mode & 0o777, 0o600);
    assert.deepEqual(log, []);
  });

  it('is renewed before it expires, with the same key', async () => {
    const made = await source().load();
    nowMs += (VALID_DAYS - RENEW_BEFORE_DAYS - 1) * DAY_MS;
    assert.equal(await source().refresh(made), undefined);
    nowMs += 2 * DAY_MS;
    const renewed = await source().refresh(made);
    assert.ok(renewed);
    assert.notEqual(renewed.fingerprint, made.fingerprint);
    assert.equal(publicKeyOf(renewed.certificate), publicKeyOf(made.certificate));
    assert.equal(renewed.expiresAt > nowMs + (VALID_DAYS - 1) * DAY_MS, true);
    assert.deepEqual(await source().load(), renewed);
  });

  it('is made anew once the clock of the box is right, after a start in 1970', async () => {
    const present = nowMs;
    nowMs = 5_000;
    const early = await source().load();
    assert.equal(early.expiresAt < present, true);
    nowMs = present;
    const right = await source().refresh(early);
    assert.equal((right?.expiresAt ?? 0) > present, true);
  });

  it('is made anew when what is kept is damaged or does not belong together, which is said', async () => {
    const first = await source().load();
    writeFileSync(inFolder('certificate.pem'), first.certificate.slice(0, 100));
    const second = await source().load();
    assert.notEqual(second.fingerprint, first.fingerprint);
    writeFileSync(inFolder('private.key'), makePair(folder.path, 'other').key);
    const third = await source().load();
    assert.equal(new Set([first, second, third].map(({ fingerprint }) => fingerprint)).size, 3);
    writeFileSync(inFolder('private.key'), 'nonsense');
    assert.notEqual(publicKeyOf((await source().load()).certificate), publicKeyOf(third.certificate));
    rmSync(inFolder('private.key'));
    await source().load();
    assert.equal(log.length, 4);
    for (const line of log) assert.match(line, /a new certificate is made|it is no key of gate/);
  });

  it('is made anew where a folder has come into its place, or its key is damaged: that is kept aside', async () => {
    await source().load();
    rmSync(inFolder('certificate.pem'));
    mkdirSync(inFolder('certificate.pem'));
    writeFileSync(inFolder('private.key'), 'torn');
    const made = await source().load();
    assert.deepEqual(await source().load(), made, 'it is kept');
    const aside = readdirSync(join(folder.path, 'tls')).filter((name) => name.includes('.damaged-'));
    assert.equal(aside.length, 2, aside.join());
    for (const name of aside) assert.match(log.join(), new RegExp(`set aside as .*${name}`));
  });

  it('is made anew, for the same key, where a person has removed it', async () => {
    const first = await source().load();
    rmSync(inFolder('certificate.pem'));
    const second = await source().load();
    assert.notEqual(second.fingerprint, first.fingerprint);
    assert.equal(second.key, first.key);
    assert.deepEqual(log, []);
  });

  it('is served although it cannot be kept, which is said', async () => {
    writeFileSync(join(folder.path, 'tls'), 'in the way');
    const made = await source().load();
    assert.match(made.certificate, /BEGIN CERTIFICATE/);
    assert.match(log.join(''), /could not be kept/);
  });

  it('stays when the box has got another address, which is said', async () => {
    const made = await source().load();
    const moved = { ...NAMES, addresses: ['127.0.0.1', '192.168.1.99'] };
    assert.deepEqual(await source(moved).load(), made);
    assert.match(log.join(''), /does not have 192\.168\.1\.99.*remove .*certificate\.pem/);
  });
});
