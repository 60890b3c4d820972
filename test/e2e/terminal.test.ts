/** The `gate` command in a terminal, as a person has it: what is seen while it works, and what is left afterwards. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonToSkip } from '../../scripts/peers/peers.ts';
import { ShellyPlugS } from '../simulators/shelly-plug-s.ts';
import { ColourBulb } from '../simulators/zigbee/devices/colour-bulb.ts';
import { Daemon } from '../support/daemon.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { TmuxScreen } from '../support/tmux-screen.ts';
import { until } from '../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee/zigbee-house.ts';

const ESCAPE = '\x1b[';
const SLOW_MS = 60_000;

describe('the gate command in a terminal', function () {
  this.timeout(180_000);
  before(function () {
    const reason = reasonToSkip('tmux');
    if (reason === undefined) return;
    console.log(`      skipped: ${reason}`);
    this.skip();
  });

  describe('with devices that speak HTTP', () => {
    let folder: ReturnType<typeof tempFolder>;
    let daemon: Daemon;
    let plug: ShellyPlugS;
    let pair: string;
    let screen: TmuxScreen;

    before(async () => {
      folder = tempFolder();
      plug = new ShellyPlugS();
      const port = await plug.start();
      daemon = await Daemon.start({ dataFolder: folder.path });
      await until('the add-on runs', () => daemon.log.some(({ msg }) => msg === 'addon:http is running'));
      pair = `gate pair --type HTTP-DEVICE --parameter hostname=127.0.0.1 --parameter interval=1 --parameter port=`;
      screen = await TmuxScreen.open(folder.path, 80);
      const { text, code } = await screen.runs(`${pair}${port} --name plug`, SLOW_MS);
      assert.equal(code, 0, text);
      assert.match(text, /plug \(\S+\) is looked for: put it into pairing mode now/);
      assert.match(text, /\n {2}something has joined\n(.*\n)?plug is paired: /);
      await until('it has been asked once', async () => {
        const devices = await daemon.api.get<{ availability?: object }[]>('/device/v1/devices');
        return devices.some(({ availability }) => availability !== undefined);
      });
    });
    after(async () => {
      await screen?.close();
      await daemon?.stop();
      await plug?.stop();
      folder?.remove();
    });
    afterEach(() => screen.resize(80));

    for (const columns of [80, 40]) {
      it(`folds what it says into ${columns} columns, and leaves nothing out`, async () => {
        await screen.resize(columns);
        const failed = await screen.runs(`${pair}1 --name nobody-${columns}`, SLOW_MS);
        assert.equal(failed.code, 1, failed.text);
        const seen = failed.text.replaceAll(/\s+/g, ' ');
        assert.match(seen, /was not paired: .* refused the connection.*Next: is it powered/);
        const expected: [string, RegExp][] = [
          ['gate status', /gate is ready .*store running .*devices?: \d not paired/],
          [
            'gate devices',
            new RegExp(`plug .*online.*nobody-${columns} .*not paired.*refused the connection`),
          ],
          ['gate protocols', /virtual .*installed .*running/],
          ['gate clients list', /admin .*never/],
          [
            'gate doctor',
            /first client has not logged in yet.* next: log in with it.* gate answers on .* next: is it powered/,
          ],
        ];
        for (const [line, pattern] of expected) {
          const { text, code } = await screen.runs(line, SLOW_MS);
          assert.equal(code, 0, text);
          assert.match(text.replaceAll(/\s+/g, ' '), pattern);
          assert.deepEqual(await screen.wrapped(), [], text);
        }
      });
    }

    it('is coloured there, and neither with NO_COLOR nor where it is read by a program', async () => {
      const colours = async (line: string) => {
        await screen.runs(line, SLOW_MS);
        const text = await screen.text({ colours: true });
        assert.match(text, /running/);
        return text.includes(`${ESCAPE}32m`);
      };
      assert.equal(await colours('gate status'), true);
      assert.equal(await colours('NO_COLOR=1 gate status'), false);
      assert.equal(await colours('gate status | cat'), false);
      assert.equal(await colours('TERM=dumb gate status'), false);
    });

    it('sends a terminal nothing that a device has made up', async () => {
      await daemon.api.send('POST', '/device/v1/devices', {
        name: '\u001b[2J\u0007evil',
        isVirtual: true,
      });
      const { text } = await screen.runs('gate devices', SLOW_MS);
      assert.match(text, /\\x1b\[2J\\x07evil/);
      assert.match(text, /plug/);
    });

    it('is ended by Ctrl-C, and leaves the terminal as it was', async () => {
      const before = await screen.settings();
      const ends = async (line: string, shows: RegExp, code: number, says: RegExp) => {
        await screen.enter(`${line}; echo "=$?="`);
        await screen.sees(shows, SLOW_MS);
        await screen.keys('C-c');
        const text = await screen.prompt(SLOW_MS);
        assert.match(text, new RegExp(`(\n|\\^C)=${code}=\n`));
        assert.match(text, says);
        await until(`the terminal is as it was: ${line}`, async () => (await screen.settings()) === before);
        assert.match((await screen.runs('echo typed')).text, /echo typed; echo .*\ntyped\n=0=/);
      };
      await ends('gate watch', /\d\d:\d\d:\d\d {2}plug/, 0, /plug/);
      await ends('gate logs --follow', /gate is up/, 0, /gate is up/);
      await ends('gate backup house.age', /passphrase:/, 2, /gate: called off: nothing was done/);
      assert.equal(existsSync(join(folder.path, 'house.age')), false);
      const elsewhere = tempFolder();
      writeFileSync(join(elsewhere.path, 'gate.db'), '');
      const reset = `DATA_FOLDER=${elsewhere.path} gate factory-reset`;
      await ends(reset, /Type\s"erase"\sto\sgo\son:/, 2, /gate: called off: nothing was done/);
      assert.ok(existsSync(join(elsewhere.path, 'gate.db')));
      elsewhere.remove();
    });

    it('shows nothing of a passphrase, and takes it when it was typed twice alike', async () => {
      await screen.enter('gate backup house.age; echo "=$?="');
      await screen.sees(/passphrase:$/, SLOW_MS);
      await screen.type('correct horse battery');
      await screen.keys('Enter');
      await screen.sees(/once more:$/);
      await screen.type('correct horse battery');
      await screen.keys('Enter');
      const text = await screen.sees(/=\d=/, SLOW_MS);
      assert.match(text, /house\.age: \d+ files, \d+ bytes, encrypted\n=0=/);
      assert.doesNotMatch(text, /correct|horse|\*/);
    });

    it('is completed by bash that has read its script', async () => {
      await screen.runs('source <(gate completion bash)', SLOW_MS);
      const completed = async (typed: string) => {
        await screen.clear();
        await screen.type(typed);
        await screen.keys('Tab');
      };
      await completed('gate proto');
      await screen.sees(/ready> gate protocols$/);
      await completed('gate protocols ins');
      await screen.sees(/ready> gate protocols install$/);
      await completed('gate pair --par');
      await screen.sees(/ready> gate pair --parameter$/);
      await screen.clear();
    });
  });

  describe('with a Zigbee network', () => {
    let house: ZigbeeHouse;
    let screen: TmuxScreen;
    before(async () => {
      house = await ZigbeeHouse.open();
      screen = await TmuxScreen.open(house.folder.path, 80);
    });
    after(async () => {
      await screen?.close();
      await house?.close();
    });

    it('shows each step of a pairing as it happens, and how long it waits already', async () => {
      const bulb = house.radio.add(new ColourBulb());
      await screen.enter(`gate pair --type ${TYPES.bulb} --name lamp; echo "=$?="`);
      await screen.sees(
        /is looked for: put it into pairing mode now\n {2}nothing has joined yet: \d+ s$/,
        SLOW_MS,
      );
      bulb.seek();
      const text = await screen.sees(/=\d=/, SLOW_MS);
      assert.match(
        text,
        /something has joined\n {2}it is asked .*\n {2}it is told .*\n {2}it is configured\nlamp is paired: [^=]*\n=0=/,
      );
      assert.doesNotMatch(text, /nothing has joined/, 'the line of the waiting is gone');
      assert.equal((await screen.runs('gate set lamp state=ON', SLOW_MS)).code, 0);
      assert.equal(bulb.state.on, true);
    });

    it('calls a pairing off by Ctrl-C: nothing is looked for any more', async () => {
      const before = await screen.settings();
      await screen.enter(`gate pair --type ${TYPES.thermometer} --name cellar; echo "=$?="`);
      await screen.sees(/put it into pairing mode now/, SLOW_MS);
      await screen.keys('C-c');
      const text = await screen.sees(/=\d=/, SLOW_MS);
      assert.match(text, /gate: the pairing was cancelled\n=1=/);
      assert.doesNotMatch(text, /nothing has joined/);
      await until('the terminal is as it was', async () => (await screen.settings()) === before);
      const { text: devices } = await screen.runs('gate devices', SLOW_MS);
      assert.match(devices, /cellar +not paired/);
    });
  });
});
