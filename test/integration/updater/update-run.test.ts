/** Updates from archive to end, and interrupted at each step: what runs afterwards is the old release or the new one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { signingKey } from '../../../scripts/package/signing.ts';
import { PHASES, type UpdateOutcome } from '../../../src/updater/forms.ts';
import { runningParts } from '../../../src/updater/health-watch.ts';
import { makeKey } from '../../support/release-maker.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { SmallInstallation } from './support/small-release.ts';

const PROCESS = join(import.meta.dirname, 'support/updating-process.ts');

describe('an update', function () {
  this.timeout(60_000);
  let folder: ReturnType<typeof tempFolder>;
  let gate: SmallInstallation;

  beforeEach(async () => {
    folder = tempFolder();
    gate = new SmallInstallation(folder.path);
    await gate.install();
    updater('start');
    await answers();
  });
  afterEach(() => {
    updater('stop');
    folder.remove();
  });

  function updater(...words: string[]): string | number | null {
    const { status, signal, stderr } = spawnSync(process.execPath, [PROCESS, folder.path, ...words], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return signal ?? status;
  }

  const answers = () =>
    until('it answers', async () => (await runningParts(join(gate.dataFolder, 'gate.sock'))).length > 0);
  const outcome = (): UpdateOutcome =>
    JSON.parse(readFileSync(join(gate.installFolder, 'update/outcome.json'), 'utf8'));
  const linked = (link: string) => basename(readlinkSync(join(gate.installFolder, link)));

  async function endsIn(version: string): Promise<void> {
    assert.equal(linked('current'), version);
    assert.equal(linked('updater'), version);
    assert.ok(!existsSync(join(gate.installFolder, 'update/state.json')));
    assert.ok(!readdirSync(join(gate.installFolder, 'releases')).includes('.incoming'));
    assert.deepEqual(
      readdirSync(join(gate.dataFolder, 'update')).filter((name) => name !== 'set-aside'),
      [],
    );
    await answers();
  }

  it('puts the new release in place, and lets go of the one before the last', async () => {
    for (const version of ['1.1.0', '1.2.0']) {
      updater('run', gate.spool(await gate.release({ version })));
      assert.equal(outcome().failure, undefined);
      await endsIn(version);
    }
    assert.deepEqual(readdirSync(join(gate.installFolder, 'releases')).sort(), ['1.1.0', '1.2.0']);
  });

  it('goes back from a release that is not healthy, with the store that it had', async () => {
    updater('run', gate.spool(await gate.release({ version: '2.0.0', store: 2, sick: true })));
    assert.match(outcome().failure ?? '', /it ended by itself/);
    await endsIn('1.0.0');
    assert.deepEqual(gate.store(), { version: 1, things: ['kept'] });
    assert.ok(existsSync(join(gate.dataFolder, 'update/set-aside/gate.db')), 'the other is not thrown away');
  });

  it('leaves the store alone where both releases have the same form of it', async () => {
    updater('run', gate.spool(await gate.release({ version: '2.0.0', sick: true })));
    await endsIn('1.0.0');
    assert.deepEqual(readdirSync(join(gate.dataFolder, 'update')), []);
  });

  it('takes nothing that is damaged, foreign, older, or for another machine', async () => {
    const refused = async (archive: string, reason: RegExp) => {
      updater('run', gate.spool(archive));
      assert.match(outcome().failure ?? '', reason);
      await endsIn('1.0.0');
    };
    await refused(await gate.release({ version: '0.9.0' }), /older than 1\.0\.0/);
    await refused(await gate.release({ version: '1.0.0' }), /installed already/);
    const arch = process.arch === 'x64' ? 'arm64' : 'x64';
    await refused(await gate.release({ version: '2.0.0', arch }), /is for .*, this machine is/);
    const key = signingKey(folder.path, makeKey(join(folder.path, 'stranger.pem')));
    await refused(await gate.release({ version: '2.1.0', key }), /not signed by a key/);
    const damaged = await gate.release({ version: '2.2.0' });
    writeFileSync(damaged, Buffer.concat([readFileSync(damaged), Buffer.from([0])]));
    await refused(damaged, /is damaged/);
    const renamed = await gate.release({ version: '2.3.0' });
    writeFileSync(`${renamed}.sha256`, readFileSync(`${renamed}.sha256`, 'utf8').replace('2.3.0', '9.9.9'));
    await refused(renamed, /not signed by a key/);
  });

  it('of a version that was asked for takes no other, and is told under that one whatever came', async () => {
    const key = signingKey(folder.path, makeKey(join(folder.path, 'stranger.pem')));
    updater('run', gate.spool(await gate.release({ version: '2.0.0', key })), '', '2.0.0');
    assert.match(outcome().failure ?? '', /not signed by a key/);
    assert.equal(outcome().version, '2.0.0');
    updater('run', gate.spool(await gate.release({ version: '1.5.0' })), '', '2.0.0');
    assert.match(outcome().failure ?? '', /gate-1\.5\.0.* was fetched, not the 2\.0\.0 that was asked for/);
    assert.equal(outcome().version, '2.0.0');
    await endsIn('1.0.0');
    updater('run', gate.spool(await gate.release({ version: '2.1.0' })), '', '2.1.0');
    await endsIn('2.1.0');
  });

  it('puts the new release in place of one whose manifest is damaged, or whose keys are in part', async () => {
    const release = join(gate.installFolder, 'releases/1.0.0');
    writeFileSync(join(release, 'manifest.json'), '{');
    writeFileSync(join(release, 'release-keys/another.pem'), '-----BEGIN PUBLIC KEY-----\nMCow\0\0');
    updater('run', gate.spool(await gate.release({ version: '2.0.0' })));
    assert.equal(outcome().failure, undefined);
    await endsIn('2.0.0');
  });

  it('says what to do where no key of what is installed can be read', async () => {
    writeFileSync(join(gate.installFolder, 'releases/1.0.0/release-keys/signed-by.pem'), '');
    updater('run', gate.spool(await gate.release({ version: '2.0.0' })));
    assert.match(outcome().failure ?? '', /has no key .*: run install\.sh of the release that is installed/);
    await endsIn('1.0.0');
  });

  it('is ended after an interruption though the note of how far it was is damaged', async () => {
    const state = join(gate.installFolder, 'update/state.json');
    for (const damage of [
      () => writeFileSync(state, '\0'.repeat(90)),
      () => {
        rmSync(state);
        mkdirSync(state);
      },
    ]) {
      const archive = gate.spool(await gate.release({ version: '2.0.0', store: 2 }));
      assert.equal(updater('run', archive, 'trying'), 'SIGKILL');
      damage();
      updater('recover');
      assert.match(outcome().failure ?? '', /it was interrupted while it was trying/);
      await endsIn('1.0.0');
      assert.deepEqual(gate.store(), { version: 1, things: ['kept'] });
    }
  });

  it('leaves what is installed as it is where both notes are damaged, and is possible again', async () => {
    const state = join(gate.installFolder, 'update/state.json');
    assert.equal(
      updater('run', gate.spool(await gate.release({ version: '2.0.0' })), 'unpacking'),
      'SIGKILL',
    );
    for (const note of [state, state.replace('state', 'state-copy')]) writeFileSync(note, '');
    updater('recover');
    assert.ok(!existsSync(state));
    assert.equal(linked('current'), '1.0.0');
    updater('run', gate.spool(await gate.release({ version: '2.1.0' })));
    await endsIn('2.1.0');
  });

  for (const phase of PHASES) {
    // one that is healthy runs where it matters that it is
    const sick = phase !== 'trying' && phase !== 'settling';
    it(`ends in one of the two when it is killed while ${phase}, the new one ${sick ? 'sick' : 'healthy'}`, async () => {
      const archive = gate.spool(await gate.release({ version: '2.0.0', store: 2, sick }));
      assert.equal(updater('run', archive, phase), 'SIGKILL');
      // and once more, in the middle of what mends it
      if (phase !== 'settling') updater('recover', '', 'returning');
      updater('recover');
      const version = phase === 'settling' ? '2.0.0' : '1.0.0';
      await endsIn(version);
      assert.deepEqual(gate.store(), { version: phase === 'settling' ? 2 : 1, things: ['kept'] });
      if (phase === 'settling') assert.equal(outcome().failure, undefined);
      else
        assert.match(
          outcome().failure ?? '',
          phase === 'returning' ? /it ended by itself/ : /it was interrupted/,
        );
    });
  }
});
