/** The `gate` command with devices: what an installer does after the first start. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ShellyPlugS } from '../simulators/shelly-plug-s.ts';
import { Daemon } from '../support/daemon.ts';
import { GateCommand, type Ran } from '../support/gate-command.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

describe('the gate command, with devices', () => {
  let folder: ReturnType<typeof tempFolder>;
  let daemon: Daemon;
  let plug: ShellyPlugS;
  let port: number;
  beforeEach(async () => {
    folder = tempFolder();
    plug = new ShellyPlugS();
    port = await plug.start();
    daemon = await Daemon.start({ dataFolder: folder.path });
    await until('the add-on runs', () => daemon.log.some(({ msg }) => msg === 'addon:http is running'));
  });
  afterEach(async () => {
    await daemon.stop();
    await plug.stop();
    folder.remove();
  });

  const gate = (...words: string[]): Promise<Ran> => new GateCommand(folder.path, words).ended;
  const pairPlug = (name = 'plug') =>
    gate(
      ...['pair', '--type', 'HTTP-DEVICE', '--name', name, '--seconds', '20'],
      ...['--parameter', 'hostname=127.0.0.1', '--parameter', `port=${port}`, '--parameter', 'interval=1'],
    );

  it('makes and pairs a device, shows it, asks it and sets it', async () => {
    const paired = await pairPlug();
    assert.equal(paired.code, 0, paired.errors);
    assert.match(paired.errors, /^plug \(\S+\) is looked for.*\n {2}something has joined\n$/);
    assert.match(paired.output, /^plug is paired: \{.*\}\n$/);

    await until('it is online', async () => /plug +online/.test((await gate('devices')).output));
    const set = await gate('set', 'PLUG', '--path', '/relay/0?turn=on');
    assert.deepEqual([set.code, set.output, set.errors], [0, 'plug has taken it\n', '']);
    const got = await gate('get', 'plug', '--path', '/relay/0', '--json');
    assert.equal(JSON.parse(got.output).message.data.ison, true, got.output);
    await until('a reading is stored', async () => (await gate('get', 'plug', '--last')).code === 0);

    const again = await gate('pair', 'plug');
    assert.equal(again.code, 0, again.errors);
  });

  it('says why a pairing failed and what to do, with exit code 1', async () => {
    await plug.stop();
    const failed = await pairPlug();
    assert.deepEqual([failed.code, failed.output], [1, '']);
    assert.match(
      failed.errors,
      /gate: plug was not paired: .*it refused the connection\. Next: is it powered/,
    );
    const { output } = await gate('devices');
    assert.match(output, /^ID +NAME +STATE +SINCE +WHY\n\S+ +plug +not paired +\d+ \w+ +.*refused/);
    const status = await gate('status');
    assert.match(status.output, /^1 device: 1 not paired$/m);
    plug = new ShellyPlugS();
    await plug.start();
  });

  it('names what is ambiguous, unknown or refused', async () => {
    await pairPlug('twin');
    await pairPlug('twin');
    const twins = await gate('get', 'twin', '--last');
    assert.equal(twins.code, 1);
    assert.match(twins.errors, /2 devices are called "twin": \S+, \S+\. Next: name one by its id/);
    assert.match((await gate('get', 'nobody')).errors, /there is no device "nobody"\. Next: "gate devices"/);
    const type = await gate('pair', '--type', 'HTTP', '--name', 'x');
    assert.match(type.errors, /no type has the id or the model "HTTP"\. Next: there is .*HTTP-DEVICE: \S+/);
    const word = await gate('set', twins.errors.match(/: (\S+),/)?.[1] ?? '', 'on');
    assert.deepEqual([word.code, word.errors.includes('"on" must be name=value')], [2, true], word.errors);
    assert.equal((await gate('pair')).code, 2);
  });

  it('watches readings as they come until it is interrupted, and its reader may go', async () => {
    await pairPlug();
    const watch = new GateCommand(folder.path, ['watch', 'plug']);
    await until('a reading is shown', () => /^\d\d:\d\d:\d\d {2}plug {2}\{"type":"data"/m.test(watch.output));
    assert.equal((await watch.interrupt()).code, 0);
    const lines = new GateCommand(folder.path, ['watch', '--json']);
    await until('an event is shown', () => lines.output.includes('\n'));
    const event = JSON.parse(lines.output.split('\n')[0] as string);
    assert.deepEqual(Object.keys(event), ['action', 'payload']);
    await lines.interrupt();
  });

  it('installs, shows and removes a protocol, step by step', async () => {
    const removed = await gate('protocols', 'remove', 'virtual');
    assert.deepEqual([removed.code, removed.output], [0, 'virtual 0.1.0 is removed\n'], removed.errors);
    const installed = await gate('protocols', 'install', 'virtual');
    assert.deepEqual(
      [installed.code, installed.output],
      [0, 'virtual 0.1.0 is installed\n'],
      installed.errors,
    );
    assert.match(installed.errors, /^ {2}installing: /m);
    assert.match((await gate('protocols')).output, /^virtual +0\.1\.0 +installed +running$/m);
    const unknown = await gate('protocols', 'install', 'zwave');
    assert.equal(unknown.code, 1);
    assert.match(unknown.errors, /no protocol "zwave"\. Next: there are automations, http, /);
    const refused = await gate('protocols', 'install', 'knx', 'port=none');
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /ip_address|port/);
  });

  it('shows logs, and follows them without a line twice', async () => {
    const follow = new GateCommand(folder.path, ['logs', '--follow']);
    await until('the first lines are shown', () => follow.output.includes('gate is up'));
    const before = follow.output;
    await gate('protocols', 'remove', 'virtual');
    await gate('protocols', 'install', 'virtual');
    const last = (await gate('logs')).output.trimEnd().split('\n').at(-1) as string;
    assert.equal(before.includes(last), false);
    await until('the last line is shown', () => follow.output.includes(last));
    const { output } = await follow.interrupt();
    const lines = output.trimEnd().split('\n');
    assert.equal(new Set(lines).size, lines.length);
    assert.equal((await gate('logs', 'nobody')).code, 1);
  });

  it('speaks to another gateway by its address and a token, and trusts a certificate that it is given', async () => {
    const there = tempFolder();
    const secured = await Daemon.start({
      dataFolder: there.path,
      environment: { TLS: 'self-signed', ON_PREMISE_ANONYMOUS: 'none' },
    });
    try {
      const ca = join(folder.path, 'gate.crt');
      writeFileSync(ca, readFileSync(join(there.path, 'tls/certificate.pem')));
      const untrusted = await gate('--url', secured.url, 'status');
      assert.equal(untrusted.code, 3);
      assert.match(untrusted.errors, /did not answer: .*certificate.*--ca/);
      const tokenless = await gate('--url', secured.url, '--ca', ca, 'devices');
      assert.equal(tokenless.code, 1);
      const added = await new GateCommand(there.path, ['clients', 'add', '--json']).ended;
      const { clientId, clientSecret } = JSON.parse(added.output);
      const { access_token } = await secured.api.send<{ access_token: string }>(
        'POST',
        '/authentication/v1/oauth/token',
        { clientId, clientSecret },
      );
      const environment = { GATE_URL: secured.url, GATE_TOKEN: access_token, GATE_CA: ca };
      const status = await new GateCommand(folder.path, ['status', '--json'], environment).ended;
      assert.deepEqual([status.code, JSON.parse(status.output).status], [0, 'ready'], status.errors);
      const watch = new GateCommand(folder.path, ['logs', '-f'], environment);
      await until('it listens', () => watch.output.includes('gate is up'));
      assert.equal((await watch.interrupt()).code, 0);
    } finally {
      await secured.stop();
      there.remove();
    }
  });

  it('checks the box, says what to do, and that nothing runs, with exit code 1', async () => {
    await pairPlug();
    chmodSync(folder.path, 0o755);
    const { code, output } = await gate('doctor');
    assert.equal(code, 0, output);
    assert.match(output, /^ok {6}gate answers on \S+: ready$/m);
    assert.match(output, /^warning others may look into \S+\n {8}next: chmod 700 /m);
    assert.match(output, /^warning the first client has not logged in yet/m);
    const access = async (settings: Record<string, string>) => {
      const { output: told } = await new GateCommand(folder.path, ['doctor'], settings).ended;
      return told
        .replace(/\n +/g, ' ')
        .split('\n')
        .filter((line) => /(reaches|on no network|this box alone|port \d+ speaks)/.test(line));
    };
    assert.deepEqual(await access({ PORT: '1234' }), [
      'ok      whoever reaches port 1234 may read without a token; changes need one',
      'warning port 1234 speaks plain HTTP: who listens on the network reads tokens and secrets of clients next: set TLS=self-signed, or TLS_CERT and TLS_KEY',
    ]);
    assert.deepEqual(await access({ PORT: '1234', ON_PREMISE_ANONYMOUS: 'all', TLS: 'self-signed' }), [
      'warning whoever reaches port 1234 may control devices and change the gateway, without a token next: set ON_PREMISE_ANONYMOUS=read, or none',
      'ok      port 1234 speaks TLS',
    ]);
    assert.deepEqual(await access({ BIND: '127.0.0.1' }), ['ok      the API is served to this box alone']);
    assert.deepEqual(await access({ ON_PREMISE_ENABLED: 'false' }), [
      'ok      the API is served on no network',
    ]);
    await daemon.stop();
    const stopped = await gate('doctor', '--json');
    assert.equal(stopped.code, 1);
    const problems = (JSON.parse(stopped.output) as { state: string; what: string }[]).filter(
      ({ state }) => state === 'problem',
    );
    assert.equal(problems.length, 1, stopped.output);
    assert.match(String(problems[0]?.what), /gate is not running/);
  });

  it('lets a shell complete it', async () => {
    const { output } = await gate('completion', 'bash');
    const script = join(folder.path, 'completion.bash');
    writeFileSync(script, output);
    const completed = (...words: string[]) => {
      const program = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _gate; echo "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', program, script, 'gate', ...words], { encoding: 'utf8' }).trim();
    };
    assert.equal(completed('de'), 'devices');
    assert.equal(completed('protocols', 'in'), 'install');
    assert.equal(completed('--data-folder', '/x', 'protocols', 'remove', '--fo'), '--force');
    const fish = (await gate('completion', 'fish')).output;
    assert.match(fish, /^complete -c gate -f -n '__fish_use_subcommand' -a devices -d '.+'$/m);
  });
});
