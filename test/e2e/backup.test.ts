/** A gateway is backed up while it runs, and goes on elsewhere from the file. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { ShellyPlugS } from '../simulators/shelly-plug-s.ts';
import { ColourBulb } from '../simulators/zigbee/devices/colour-bulb.ts';
import { SimulatedRadio } from '../simulators/zigbee/radio.ts';
import { Daemon } from '../support/daemon.ts';
import { GateCommand } from '../support/gate-command.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { TYPES, ZigbeeHouse } from './zigbee/zigbee-house.ts';

const SECRET = 'correct horse battery staple';

describe('a backup', () => {
  let old: ReturnType<typeof tempFolder>;
  let other: ReturnType<typeof tempFolder>;
  let outside: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    [old, other, outside] = [tempFolder(), tempFolder(), tempFolder()];
  });
  afterEach(() => {
    for (const folder of [old, other, outside]) folder.remove();
  });

  const gate = (folder: string, words: string[], environment: Record<string, string> = {}) =>
    new GateCommand(folder, words, { GATE_BACKUP_PASSPHRASE: SECRET, ...environment }).ended;
  const file = () => join(outside.path, 'house.age');

  describe('of a running gateway', () => {
    let plug: ShellyPlugS;
    let daemon: Daemon;
    let deviceId: string;
    beforeEach(async () => {
      plug = new ShellyPlugS();
      const port = await plug.start();
      mkdirSync(join(old.path, 'config'));
      writeFileSync(join(old.path, 'config', '.env'), 'RETENTION_DAYS=77\n');
      daemon = await Daemon.start({ dataFolder: old.path });
      await until('the add-on runs', () => daemon.log.some(({ msg }) => msg === 'addon:http is running'));
      const words = ['--parameter', 'hostname=127.0.0.1', `--parameter`, `port=${port}`];
      const paired = await gate(old.path, [
        ...['pair', '--type', 'HTTP-DEVICE', '--name', 'plug', '--json', '--parameter', 'interval=1'],
        ...words,
      ]);
      assert.equal(paired.code, 0, paired.errors);
      deviceId = JSON.parse(paired.output).id;
      await until('readings are stored', async () => (await readings(daemon)) > 1);
    });
    afterEach(async () => {
      await daemon.stop();
      await plug.stop();
    });

    const readings = async ({ api }: Daemon): Promise<number> =>
      (await api.get<{ totalItems: number }>(`/device/v1/devices/${deviceId}/data`)).totalItems;
    const ids = async ({ api }: Daemon) =>
      (
        await api.get<{ data: { _id: string }[] }>(`/device/v1/devices/${deviceId}/data?perPage=100`)
      ).data.map(({ _id }) => _id);
    const moved = () => Daemon.start({ dataFolder: other.path });

    it('goes on in another folder: devices, clients and settings, without readings', async () => {
      const client = JSON.parse((await gate(old.path, ['clients', 'add', '--json'])).output);
      const taken = await gate(old.path, ['backup', file()]);
      assert.equal(taken.code, 0, taken.errors);
      assert.equal(statSync(file()).mode & 0o777, 0o600);
      const stored = await ids(daemon);
      await daemon.stop();

      const restored = await gate(other.path, ['restore', file()]);
      assert.equal(restored.code, 0, restored.errors);
      assert.match(restored.output, /^restored what gate \S+ had on .* without readings/);
      assert.equal(readFileSync(join(other.path, 'config', '.env'), 'utf8'), 'RETENTION_DAYS=77\n');
      daemon = await moved();
      await until('the plug is polled here', async () => (await readings(daemon)) > 0);
      // the gateway that was backed up went on: no number of its is given again
      const fresh = await ids(daemon);
      assert.equal(stored.filter((id) => fresh.includes(id)).length, 0);
      const token = await daemon.api.call('POST', '/authentication/v1/oauth/token', {
        clientId: client.clientId,
        clientSecret: client.clientSecret,
      });
      assert.equal(token.status, 200);
    });

    it('holds the readings where they are asked for, with their ids', async () => {
      assert.equal((await gate(old.path, ['backup', file(), '--readings'])).code, 0);
      await daemon.stop();
      const restored = await gate(other.path, ['restore', file(), '--json']);
      assert.equal(JSON.parse(restored.output).readings, true);
      await plug.stop();
      daemon = await moved();
      const here = await ids(daemon);
      assert.ok(here.length > 1);
      await daemon.stop();
      daemon = await Daemon.start({ dataFolder: old.path });
      const there = await ids(daemon);
      assert.deepEqual(
        here.filter((id) => !there.includes(id)),
        [],
      );
      plug = new ShellyPlugS();
    });

    it('takes the place of another gateway only when told to, and moves that aside', async () => {
      await gate(old.path, ['backup', file()]);
      const second = await Daemon.start({ dataFolder: other.path });
      const running = await gate(other.path, ['restore', file()]);
      assert.deepEqual([running.code, running.errors.includes('gate is running')], [1, true], running.errors);
      await second.stop();
      const refused = await gate(other.path, ['restore', file()]);
      assert.equal(refused.code, 1);
      assert.match(refused.errors, /holds a gateway already\. Next: with --replace/);
      const replaced = await gate(other.path, ['restore', file(), '--replace']);
      assert.equal(replaced.code, 0, replaced.errors);
      const aside = readdirSync(other.path).find((name) => name.startsWith('before-restore-')) as string;
      assert.ok(existsSync(join(other.path, aside, 'gate.db')));
      await daemon.stop();
      daemon = await moved();
      assert.equal((await daemon.api.call('GET', `/device/v1/devices/${deviceId}`)).status, 200);
    });

    it('is refused with the reason when it is damaged, foreign or for another key, and changes nothing', async () => {
      await gate(old.path, ['backup', file()]);
      const whole = readFileSync(file());
      const changed = Buffer.from(whole);
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
      const cases: [string, Buffer, RegExp, Record<string, string>?][] = [
        ['flipped', changed, /damaged/],
        ['short', whole.subarray(0, whole.length - 40_000), /damaged/],
        ['empty', Buffer.alloc(0), /no backup of gate/],
        ['foreign', Buffer.from('PK\x03\x04 something else'), /no backup of gate/],
        [
          'wrong',
          whole,
          /passphrase is not that of this backup/,
          { GATE_BACKUP_PASSPHRASE: 'another one, wrong' },
        ],
      ];
      for (const [name, bytes, reason, environment] of cases) {
        const path = join(outside.path, name);
        writeFileSync(path, bytes);
        const { code, errors } = await gate(other.path, ['restore', path], environment);
        assert.equal(code, 1, `${name}: ${errors}`);
        assert.match(errors, reason, name);
        assert.deepEqual(
          readdirSync(other.path).filter((left) => left !== 'config'),
          [],
          name,
        );
      }
      const short = await gate(old.path, ['backup', file()], { GATE_BACKUP_PASSPHRASE: 'short' });
      assert.match(short.errors, /at least 12 characters/);
      const nowhere = await gate(old.path, ['backup', join(outside.path, 'no/such/folder/x.age')]);
      assert.deepEqual([nowhere.code, /cannot be written/.test(nowhere.errors)], [1, true], nowhere.errors);
      assert.equal(existsSync(join(old.path, 'backup-staging')), false);
    });

    it('that was interrupted while it was put back keeps the daemon from starting', async () => {
      mkdirSync(join(other.path, 'restore-staging'));
      const started = Daemon.spawn({ dataFolder: other.path });
      assert.equal(await started.exited, 1);
      assert.match(started.errors, /a restore into \S+ was interrupted\. Next: run "gate restore --replace"/);
      await gate(old.path, ['backup', file()]);
      assert.equal((await gate(other.path, ['restore', file()])).code, 0);
    });

    it('to a recipient opens with its identity alone; of those in a folder the newest stay', async () => {
      const identity = await generateX25519Identity();
      const recipient = await identityToRecipient(identity);
      const key = join(outside.path, 'key.txt');
      writeFileSync(key, `# created: today\n${identity}\n`);
      // in the data folder itself: none holds those before
      const into = join(old.path, 'backups');
      for (let n = 0; n < 3; n += 1) {
        const taken = await gate(old.path, [
          'backup',
          '--into',
          into,
          '--keep',
          '2',
          '--recipient',
          recipient,
        ]);
        assert.equal(taken.code, 0, taken.errors);
      }
      const left = readdirSync(into);
      assert.equal(left.length, 2);
      const newest = join(into, left.sort().at(-1) as string);
      assert.equal((await gate(other.path, ['restore', newest])).code, 1);
      const restored = await gate(other.path, ['restore', newest, '--identity', key]);
      assert.equal(restored.code, 0, restored.errors);
      assert.equal(existsSync(join(other.path, 'backups')), false);
    });
  });

  it('is no longer needed after a factory reset, which leaves nothing, and is never done by half', async () => {
    mkdirSync(join(old.path, 'config'));
    writeFileSync(join(old.path, 'config', '.env'), 'PORT=0\n');
    writeFileSync(join(old.path, 'config', 'private.key'), 'secret');
    const daemon = await Daemon.start({ dataFolder: old.path });
    const running = await gate(old.path, ['factory-reset', '--yes']);
    assert.deepEqual([running.code, running.errors.includes('gate is running')], [1, true], running.errors);
    await daemon.stop();
    assert.equal((await gate(old.path, ['factory-reset'])).code, 2);
    assert.ok(existsSync(join(old.path, 'gate.db')));
    const environment = { CONFIG_FOLDER: join(old.path, 'config') };
    const kept = await gate(old.path, ['factory-reset', '--yes', '--keep-settings'], environment);
    assert.equal(kept.code, 0, kept.errors);
    assert.deepEqual(readdirSync(old.path), ['config']);
    assert.deepEqual(readdirSync(join(old.path, 'config')), ['.env']);
    mkdirSync(join(old.path, 'erasing'));
    const refused = Daemon.spawn({ dataFolder: old.path });
    assert.equal(await refused.exited, 1);
    assert.match(
      refused.errors,
      /a factory reset of \S+ was interrupted\. Next: run "gate factory-reset" again/,
    );
  });

  it('is not scheduled without somebody it is encrypted to', async () => {
    const daemon = Daemon.spawn({ dataFolder: old.path, environment: { BACKUP_FOLDER: outside.path } });
    assert.equal(await daemon.exited, 1);
    assert.match(daemon.errors, /BACKUP_FOLDER is set, but BACKUP_RECIPIENT is not/);
  });

  it('moves a Zigbee network to another box and another stick, and nothing is paired again', async () => {
    const house = await ZigbeeHouse.open();
    let moved: Daemon | undefined;
    try {
      const bulb = house.radio.add(new ColourBulb());
      const { id } = await house.pair(TYPES.bulb, bulb);
      const taken = await gate(house.folder.path, ['backup', file()]);
      assert.equal(taken.code, 0, taken.errors);
      assert.match(taken.errors, /zigbee writes down what its network needs/);
      await house.daemon.stop();
      const { port, air } = house.radio;
      await house.radio.unplug();
      house.radio = await SimulatedRadio.start({ port, air, ieee: '0x00124b00bbbbbbbb' });
      house.radio.add(bulb);

      assert.equal((await gate(other.path, ['restore', file()])).code, 0);
      moved = await Daemon.start({ dataFolder: other.path });
      const { api } = moved;
      await until(
        'the bulb answers',
        async () => {
          const { status } = await api.call('POST', `/device/v1/control/${id}/set`, { state: 'ON' });
          return status === 200;
        },
        60_000,
      );
      assert.equal(bulb.state.on, true);
    } finally {
      await moved?.stop();
      await house.close();
    }
  }).timeout(180_000);
}).timeout(90_000);
