/** What `npm run package` makes: the same bytes from the same sources, wherever they lie; and what is in it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkArchive, checkRelease, trustedKeys } from '../../../src/updater/release-check.ts';
import { ARCHITECTURE, makeKey, packageRelease, unpackRelease } from '../../support/release-maker.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SOURCES = ['addons', 'packaging', 'scripts', 'src', '.npmrc'];
const PINNED = { SOURCE_DATE_EPOCH: '1700000000', GATE_COMMIT: 'abcdef' };

describe('the release archive', function () {
  this.timeout(300_000);
  let folder: ReturnType<typeof tempFolder>;
  let keyFile: string;
  let archive: string;
  let release: string;

  before(() => {
    folder = tempFolder();
    keyFile = makeKey(join(folder.path, 'key.pem'));
    archive = packageRelease(join(folder.path, 'first'), { keyFile, environment: PINNED });
    release = unpackRelease(archive, join(folder.path, 'unpacked'));
  });
  after(() => folder.remove());

  it('has the same bytes when it is made again in another folder, time zone and umask', () => {
    const elsewhere = join(folder.path, 'elsewhere');
    mkdirSync(elsewhere);
    const files = spawnSync('sh', ['-c', 'ls *.json *.md LICENSE'], { cwd: ROOT, encoding: 'utf8' });
    for (const name of [...SOURCES, ...files.stdout.trim().split('\n')])
      cpSync(join(ROOT, name), join(elsewhere, name), { recursive: true, verbatimSymlinks: true });
    // the packages are only read: hard links do
    assert.equal(spawnSync('cp', ['-al', join(ROOT, 'node_modules'), elsewhere]).status, 0);
    const umask = process.umask(0o077);
    const environment = { ...PINNED, TZ: 'Asia/Tokyo', LC_ALL: 'C.UTF-8' };
    const again = packageRelease(join(folder.path, 'again'), { keyFile, environment, from: elsewhere });
    process.umask(umask);
    for (const suffix of ['.sha256', '.sig', ''])
      assert.ok(readFileSync(archive + suffix).equals(readFileSync(again + suffix)), `archive${suffix}`);
  });

  it('is signed, outside and inside, and checked by the usual programs too', async () => {
    const keys = trustedKeys(join(release, 'release-keys'));
    const { arch } = await checkArchive(archive, keys);
    assert.equal(arch, ARCHITECTURE);
    const manifest = await checkRelease(release, keys);
    assert.equal(manifest.commit, 'abcdef');
    assert.equal(manifest.date, '2023-11-14T22:13:20.000Z');
    assert.equal(manifest.development, false);
    const publicKey = join(release, 'release-keys/signed-by.pem');
    const checked = spawnSync(
      'sh',
      [
        '-c',
        'sha256sum --check "$1.sha256" && openssl pkeyutl -verify -pubin -inkey "$2" -rawin -in "$1.sha256" -sigfile "$1.sig"',
        'sh',
        archive.split('/').at(-1) ?? '',
        publicKey,
      ],
      { cwd: join(folder.path, 'first'), encoding: 'utf8' },
    );
    assert.equal(checked.status, 0, checked.stdout + checked.stderr);
  });

  it('carries its own Node, and its programs start with nothing else', () => {
    const { node } = JSON.parse(readFileSync(join(release, 'manifest.json'), 'utf8'));
    const run = (...words: string[]) =>
      spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', env: {}, cwd: '/' }).stdout;
    assert.equal(run(join(release, 'bin/node'), '--version'), `v${node}\n`);
    assert.match(run(join(release, 'bin/node'), join(release, 'app/src/main.js'), '--version'), /^\d/);
    assert.match(run('/bin/sh', join(release, 'bin/gate'), '--help'), /update/);
  });

  it('has what its add-ons load when they run, and for this architecture alone', () => {
    // one that is a container alone brings no program
    const addons = readdirSync(join(release, 'app/addons')).filter(
      (slug) => slug !== 'sdk' && existsSync(join(ROOT, 'addons', slug, 'package.json')),
    );
    assert.ok(addons.length >= 4, addons.join());
    for (const slug of addons) {
      const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'addons', slug, 'package.json'), 'utf8'));
      const names = Object.keys(dependencies ?? {}).filter((name) => !name.startsWith('@gate/'));
      const from = join(release, 'app/addons', slug, 'addon.json');
      const program = `
        const load = require('node:module').createRequire(${JSON.stringify(from)});
        for (const name of ${JSON.stringify(names)}) load(name);
      `;
      const { status, stderr } = spawnSync(join(release, 'bin/node'), ['-e', program], { encoding: 'utf8' });
      assert.equal(status, 0, `${slug}: ${stderr}`);
    }
    const prebuilds = spawnSync('find', [release, '-name', '*.node'], { encoding: 'utf8' }).stdout.trim();
    assert.ok(
      prebuilds.split('\n').every((path) => path.includes(`linux-${ARCHITECTURE}`)),
      prebuilds,
    );
    assert.ok(!existsSync(join(release, 'app/node_modules/typescript')));
  });

  it('carries nothing under a licence that was not looked at, and lists what it carries', () => {
    const carried = globSync(join(release, 'app/node_modules/**/package.json'))
      .map((path) => ({ path, ...JSON.parse(readFileSync(path, 'utf8')) }))
      // others lie in packages for tools, and name no package
      .filter(
        ({ path, name, version }) => name && version && path.endsWith(`node_modules/${name}/package.json`),
      );
    assert.ok(carried.length > 30, String(carried.length));
    const list = readFileSync(join(release, 'THIRD-PARTY.md'), 'utf8');
    for (const { path, name, version, license } of carried) {
      if (name === '@gate/addon-sdk') continue;
      const row = list.split('\n').find((line) => line.startsWith(`| ${name} | ${version} | `));
      assert.ok(row !== undefined, `${name} ${version}`);
      assert.doesNotMatch(String(license), /^A?L?GPL/, path);
    }
    const standIn = carried.find(({ name }) => name === 'zigbee-on-host');
    assert.equal(standIn?.license, 'Apache-2.0');
    assert.match(readFileSync(join(release, 'app/THIRD-PARTY-LICENCES.txt'), 'utf8'), /^koa \d.*\(MIT\)$/m);
  });

  it('has a bill of materials in CycloneDX form', () => {
    const bill = JSON.parse(readFileSync(join(release, 'sbom.cdx.json'), 'utf8'));
    assert.equal(bill.bomFormat, 'CycloneDX');
    const names = bill.components.map(({ purl, name }: { purl?: string; name: string }) => purl ?? name);
    for (const name of ['pkg:npm/koa@', 'pkg:npm/zigbee-herdsman@', 'pkg:npm/openapi-explorer@', 'Node.js'])
      assert.ok(
        names.some((found: string) => found.startsWith(name)),
        name,
      );
    assert.ok(!names.some((found: string) => /\/(mocha|typescript|zigbee-on-host)@/.test(found)));
  });
});
