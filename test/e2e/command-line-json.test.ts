/** `--json` on each command that there is: what a program reads is JSON and nothing else, be it done or refused. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Daemon } from '../support/daemon.ts';
import { GateCommand } from '../support/gate-command.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

/** Words, exit code, and a key that its answer, its first line or its error has. */
type Case = [words: string[], code: number, key?: string];
/** Ended by Ctrl-C, once a line was shown. */
const ENDLESS = new Set(['watch', 'logs --follow']);

describe('the gate command with --json', function () {
  this.timeout(90_000);
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  let deviceId: string;
  before(async () => {
    folder = tempFolder();
    daemon = await Daemon.start({ dataFolder: folder.path });
    await until('the add-on runs', () => daemon.log.some(({ msg }) => msg === 'addon:virtual is running'));
    ({ id: deviceId } = await daemon.api.send<{ id: string }>('POST', '/device/v1/devices', {
      ...{ name: 'made', isVirtual: true, demoActive: true, frequency: 30 },
    }));
    await until('a reading is stored', async () => (await run(['get', 'made', '--last'])).code === 0);
  });
  after(async () => {
    await daemon.stop();
    folder.remove();
  });

  const environment = { GATE_BACKUP_PASSPHRASE: 'correct horse battery' };
  const run = async (words: readonly string[]) => {
    const command = new GateCommand(folder.path, [...words, '--json'], environment);
    if (!ENDLESS.has(words.join(' '))) return command.ended;
    await until('a line is shown', async () => {
      // its first reading comes at once
      for (const demoActive of [false, true])
        await daemon.api.send('PATCH', `/device/v1/devices/${deviceId}`, { demoActive });
      return command.output.includes('\n');
    });
    return command.interrupt();
  };
  const values = (text: string) =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));

  const beside: Case[] = [
    [['status'], 0, 'parts'],
    [['devices'], 0],
    [['pair', 'nobody'], 1, 'code'],
    [['pair'], 2, 'code'],
    [['set', 'made', 'state=ON'], 1, 'message'],
    [['set', 'made', 'state'], 2, 'message'],
    [['get', 'made', '--last'], 0, 'data'],
    [['get', 'nobody'], 1, 'hint'],
    [['watch'], 0, 'action'],
    [['protocols'], 0],
    [['protocols', 'update', 'virtual', '--to-version', '99.0.0'], 1, 'message'],
    [['protocols', 'remove', 'virtual', '--force'], 0, 'slug'],
    [['protocols', 'install', 'virtual'], 0, 'slug'],
    [['logs'], 0, 'timestamp'],
    [['logs', '--follow'], 0, 'timestamp'],
    [['clients'], 2],
    [['clients', 'list'], 0],
    [['clients', 'add'], 0, 'clientSecret'],
    [['clients', 'revoke', 'nobody'], 1, 'code'],
    [['doctor'], 0],
    [['update'], 1, 'hint'],
    [['backup', 'house.age'], 0, 'bytes'],
    [['restore', 'house.age', '--replace'], 1, 'code'],
    [['factory-reset', '--yes'], 1, 'code'],
    [['completion', 'bash'], 0, 'script'],
  ];

  it('answers in JSON, one value or one a line, and tells a refusal in JSON on its standard error', async () => {
    for (const [words, code, key] of beside) {
      const told = await run(words);
      const what = `${words.join(' ')}: ${told.output}${told.errors}`;
      assert.equal(told.code, code, what);
      // its help is for a person
      if (words.join() === 'clients') continue;
      const said = values(code === 0 ? told.output : told.errors);
      assert.equal(code === 0 ? told.errors : told.output, '', what);
      assert.ok(said.length > 0, what);
      if (key !== undefined) assert.ok(key in said[0], what);
    }
  });

  it('is all commands that there are', async () => {
    const { script } = JSON.parse((await run(['completion', 'bash'])).output);
    const levels = [...script.matchAll(/^ {4}"([^"]+)"\) next=/gm)].map(([, words]) => words as string);
    assert.ok(levels.length >= 20, levels.join());
    const covered = new Set(beside.flatMap(([words]) => [words[0], words.slice(0, 2).join(' ')]));
    assert.deepEqual(
      levels.filter((words) => !covered.has(words)),
      [],
    );
  });

  it('says with 3 that no gateway could be asked, whatever was asked for', async () => {
    const elsewhere = join(folder.path, 'elsewhere');
    for (const words of [['status'], ['devices'], ['watch'], ['logs'], ['clients', 'list'], ['protocols']]) {
      const { code, errors, output } = await run(['--data-folder', elsewhere, ...words]);
      assert.deepEqual([code, output], [3, ''], words.join(' '));
      assert.deepEqual(Object.keys(JSON.parse(errors)), ['message', 'code', 'hint']);
    }
  });
});
