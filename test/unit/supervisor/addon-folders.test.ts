import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DeviceType } from '../../../src/model/device-type.ts';
import { readAddonFolders } from '../../../src/supervisor/addon-folders.ts';

const type = { id: 'plug', description: 'A plug', manufacturer: 'Acme', model: 'P1' };

function manifest(slug: string, changes: object = {}): string {
  return JSON.stringify({
    id: slug,
    slug,
    name: slug,
    contract: 1,
    version: '1.0.0',
    runtime: { process: { entry: 'main.js' } },
    ...changes,
  });
}

describe('add-on folders', () => {
  let root: string;
  let bundledFolder: string;
  let foreignFolder: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gate-folders-'));
    bundledFolder = join(root, 'addons');
    foreignFolder = join(root, 'data', 'addons');
    await mkdir(bundledFolder, { recursive: true });
    await mkdir(foreignFolder, { recursive: true });
  });

  afterEach(() => rm(root, { recursive: true, force: true }));

  async function put(folder: string, files: Record<string, string>): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  }

  const bundled = (name: string, files: Record<string, string>) => put(join(bundledFolder, name), files);
  const foreign = (name: string, files: Record<string, string>) => put(join(foreignFolder, name), files);

  async function read() {
    const { packages, problems } = await readAddonFolders({ bundledFolder, foreignFolder });
    return { slugs: packages.map((addon) => addon.manifest.slug), packages, problems };
  }

  async function soleProblem(): Promise<string> {
    const { problems } = await read();
    assert.equal(problems.length, 1, JSON.stringify(problems));
    return (problems[0] as { reason: string }).reason;
  }

  it('finds bundled and foreign add-ons, each with its folder and types', async () => {
    await bundled('http', { 'addon.json': manifest('http', { types: [type] }) });
    await foreign('acme', {
      'addon.json': manifest('acme', { types: { file: 'types.json' } }),
      'types.json': JSON.stringify([{ ...type, id: 'lamp' }]),
    });
    const { packages, problems } = await read();
    assert.deepEqual(problems, []);
    assert.deepEqual(
      packages.map(({ folder, types }) => [folder, (types as readonly DeviceType[]).map(({ id }) => id)]),
      [
        [join(bundledFolder, 'http'), ['plug']],
        [join(foreignFolder, 'acme'), ['lamp']],
      ],
    );
  });

  it('passes over a folder without a manifest, as the SDK is, and plain files', async () => {
    await bundled('sdk', { 'package.json': '{}' });
    await writeFile(join(bundledFolder, 'README.md'), '');
    assert.deepEqual(await read(), { slugs: [], packages: [], problems: [] });
  });

  it('says that a foreign folder holds no manifest', async () => {
    await foreign('acme', { 'main.js': '' });
    assert.equal(await soleProblem(), 'it holds no addon.json');
  });

  it('does without a folder of foreign add-ons', async () => {
    await rm(foreignFolder, { recursive: true });
    assert.deepEqual((await read()).problems, []);
  });

  it('keeps every good add-on beside broken ones', async () => {
    await bundled('http', { 'addon.json': manifest('http') });
    await foreign('broken', { 'addon.json': '{ "slug": ' });
    await foreign('acme', { 'addon.json': manifest('acme') });
    const { slugs, problems } = await read();
    assert.deepEqual(slugs, ['http', 'acme']);
    assert.equal(problems[0]?.folder, join(foreignFolder, 'broken'));
    assert.match(problems[0]?.reason ?? '', /addon\.json is not valid JSON/);
  });

  it('names the field of a manifest that is wrong', async () => {
    await foreign('acme', { 'addon.json': manifest('acme', { version: 2 }) });
    assert.match(await soleProblem(), /addon\.json: "version"/);
  });

  it('says which contracts it speaks when an add-on needs another', async () => {
    await foreign('acme', { 'addon.json': manifest('acme', { contract: 7 }) });
    assert.equal(await soleProblem(), 'it speaks add-on contract 7; this gateway speaks 1');
  });

  it('refuses a slug that is not the name of its folder', async () => {
    await foreign('acme', { 'addon.json': manifest('other') });
    assert.equal(await soleProblem(), 'its slug "other" must be the name of its folder, "acme"');
  });

  it('keeps the bundled add-on when a foreign one has its slug or its id', async () => {
    await bundled('http', { 'addon.json': manifest('http', { id: 'p-1' }) });
    await foreign('http', { 'addon.json': manifest('http') });
    await foreign('acme', { 'addon.json': manifest('acme', { id: 'p-1' }) });
    const { packages, problems } = await read();
    assert.deepEqual(
      packages.map(({ folder }) => folder),
      [join(bundledFolder, 'http')],
    );
    assert.match(problems[0]?.reason ?? '', /"p-1" already names the add-on in/);
    assert.match(problems[1]?.reason ?? '', /slug "http" is taken by the add-on in/);
  });

  it('says that a file of types is missing or wrong', async () => {
    await foreign('acme', { 'addon.json': manifest('acme', { types: { file: 'types.json' } }) });
    assert.equal(await soleProblem(), 'its file of types, types.json, is not there');
    await foreign('acme', { 'types.json': '[{"id":"plug"}]' });
    assert.match(await soleProblem(), /types\.json: "0\.description"/);
  });

  it('reads a large file of types only when somebody asks for the types', async () => {
    const many = Array.from({ length: 5_000 }, (_, n) => ({ ...type, id: `t-${n}` }));
    const defaults = { addOn: '@acme/gate', parameters: { type: 'object' } };
    await foreign('acme', {
      'addon.json': manifest('acme', { types: { file: 'types.json', defaults } }),
      'types.json': JSON.stringify(many),
    });
    const types = (await read()).packages[0]?.types;
    assert.ok(types && 'load' in types);
    const loaded = await types.load();
    assert.equal(loaded.length, 5_000);
    assert.deepEqual(
      [loaded[4_999]?.id, loaded[0]?.addOn, loaded[0]?.parameters],
      ['t-4999', '@acme/gate', { type: 'object' }],
    );
    const found = await types.find('t-77');
    assert.deepEqual([found?.id, found?.addOn, await types.find('none')], ['t-77', '@acme/gate', undefined]);
    const lines = many.map((each) => JSON.stringify(each)).join(',\n');
    await foreign('acme', { 'types.json': `[\n${lines}\n]` });
    assert.deepEqual(await types.find('t-77'), found);
    await foreign('acme', { 'types.json': `[${'x'.repeat(300_000)}` });
    const broken = (await read()).packages[0]?.types;
    assert.ok(broken && 'load' in broken);
    await assert.rejects(broken.load(), /types\.json is not valid JSON/);
  });

  it('reads what types can be told, of one type, from a file beside the types', async () => {
    const settable = (n: number) => ({ type: 'object', properties: { [`n${n}`]: { type: 'number' } } });
    const entries = [
      { types: ['plug', 'lamp'], settable: settable(1) },
      { types: ['other'], settable: settable(2) },
    ];
    await foreign('acme', {
      'addon.json': manifest('acme', { types: { file: 'types.json', settable: 'settable.json' } }),
      'types.json': JSON.stringify(['plug', 'lamp', 'other', 'mute'].map((id) => ({ ...type, id }))),
    });
    assert.equal(await soleProblem(), 'its file of types, settable.json, is not there');
    const lines = `[\n${entries.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`;
    for (const text of [lines, JSON.stringify(entries, null, 1)]) {
      await foreign('acme', { 'settable.json': text });
      const types = (await read()).packages[0]?.types;
      assert.ok(types && 'load' in types && types.settable);
      assert.deepEqual(await types.settable('lamp'), settable(1));
      assert.deepEqual(await types.settable('other'), settable(2));
      assert.equal(await types.settable('mute'), undefined);
      assert.equal((await types.find('lamp'))?.settable, undefined);
    }
    await foreign('acme', { 'settable.json': '[{"types": ["lamp"]}]' });
    const types = (await read()).packages[0]?.types;
    assert.ok(types && 'load' in types && types.settable);
    await assert.rejects(types.settable('lamp'), /settable\.json: "0\.settable"/);
    assert.equal((await types.find('lamp'))?.id, 'lamp');
  });

  it('reads no file of types outside the folder, also behind a symbolic link', async () => {
    await writeFile(join(root, 'secret.json'), '[]');
    await foreign('acme', { 'addon.json': manifest('acme', { types: { file: 'types.json' } }) });
    await symlink(join(root, 'secret.json'), join(foreignFolder, 'acme', 'types.json'));
    assert.match(await soleProblem(), /leads outside the add-on's folder/);
  });
});
