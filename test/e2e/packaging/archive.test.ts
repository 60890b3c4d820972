/** What `npm run package` makes: the same bytes from the same sources, wherever they lie; and what is in it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { secretsIn, textOf } from '../../../scripts/secrets/secrets-in.ts';
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

  interface Component {
    'bom-ref': string;
    name: string;
    version: string;
    purl?: string;
    components?: Component[];
  }
  const bill = (): {
    bomFormat: string;
    metadata: { component: Component };
    components: Component[];
    dependencies: { ref: string; dependsOn: string[] }[];
  } => JSON.parse(readFileSync(join(release, 'sbom.cdx.json'), 'utf8'));

  it('has a bill of materials with everything that is carried, and nothing else', () => {
    const { bomFormat, components } = bill();
    assert.equal(bomFormat, 'CycloneDX');
    const listed = new Set(components.map(({ name, version }) => `${name} ${version}`));
    // what lies there, and what the bundles were made of: neither comes from the list of the release itself
    const beside = globSync(join(release, 'app/node_modules/**/package.json'))
      .map((path) => ({ path, ...JSON.parse(readFileSync(path, 'utf8')) }))
      .filter(({ path, name, version }) => version && path.endsWith(`node_modules/${name}/package.json`))
      .map(({ name, version }) => `${name} ${version}`);
    const words = readFileSync(join(release, 'app/THIRD-PARTY-LICENCES.txt'), 'utf8');
    const bundled = [...words.matchAll(/^(\S+ \d+\.\d+\.\S+) \([^)]+\)*$/gm)].map(([, name = '']) => name);
    const carried = new Set([...beside, ...bundled]);
    for (const name of ['zigbee-herdsman', 'koa', 'svelte', 'uplot', 'engine.io-client', 'lit-html'])
      assert.ok(
        [...carried].some((each) => each.startsWith(`${name} `)),
        `${name} is carried`,
      );
    assert.deepEqual(
      [...carried].filter((each) => !listed.has(each)),
      [],
    );
    const own = /^(gate|@gate\/\S+|Node\.js) /;
    assert.deepEqual(
      [...listed].filter((each) => !own.test(each) && !carried.has(each)),
      [],
    );
    assert.ok(!components.some(({ purl }) => purl?.includes('zigbee-on-host')));
    const list = readFileSync(join(release, 'THIRD-PARTY.md'), 'utf8');
    for (const each of carried) {
      if (own.test(`${each} `)) continue;
      assert.ok(list.includes(`| ${each.replace(' ', ' | ')} | `), `THIRD-PARTY.md: ${each}`);
    }
  });

  it('says what its Node is made of, and refers to nothing that is not there', () => {
    const { components, dependencies, metadata } = bill();
    const node = components.find(({ name }) => name === 'Node.js');
    const versions = spawnSync(join(release, 'bin/node'), ['-p', 'JSON.stringify(process.versions)'], {
      encoding: 'utf8',
    });
    const real: Record<string, string> = JSON.parse(versions.stdout);
    assert.equal(node?.version, real['node']);
    for (const name of ['openssl', 'sqlite', 'v8', 'uv', 'zlib', 'undici'])
      assert.equal(node?.components?.find((each) => each.name === name)?.version, real[name], name);
    const references = components.flatMap((each) => [each, ...(each.components ?? [])]);
    const known = new Set([...references, metadata.component].map((each) => each['bom-ref']));
    assert.equal(known.size, references.length + 1);
    const named = dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    assert.ok(named.length > 100);
    assert.deepEqual(
      named.filter((reference) => !known.has(reference)),
      [],
    );
    const list = readFileSync(join(release, 'THIRD-PARTY.md'), 'utf8');
    for (const name of ['OpenSSL', 'V8', 'libuv', 'ICU', 'SQLite']) assert.ok(list.includes(name), name);
  });

  it('holds no secret, and public keys alone', async () => {
    const files = globSync(join(release, '**/*'), {
      exclude: (path) => /(^|\/)app\/node_modules$|(^|\/)bin\/node$/.test(String(path)),
    }).filter((path) => statSync(path).isFile() && !path.includes('/app/node_modules/'));
    assert.ok(files.length > 50, String(files.length));
    const secrets: string[] = [];
    for (const file of files) {
      const text = textOf(readFileSync(file));
      if (text !== undefined) secrets.push(...(await secretsIn(file.slice(release.length + 1), text)));
    }
    assert.deepEqual(secrets, []);
  });
});
