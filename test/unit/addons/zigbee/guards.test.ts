/** What keeps a network from being lost: the start's policy, the files, the logs. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  flushDatabase,
  makeDatabaseDurable,
  mendDatabase,
  pairedDevicesIn,
} from '../../../../addons/zigbee/src/network/device-database.ts';
import { readDurably, writeDurably } from '../../../../addons/zigbee/src/network/durable-file.ts';
import { withoutKeys } from '../../../../addons/zigbee/src/network/library-log.ts';
import {
  IdentityFile,
  newIdentity,
  parseIdentity,
} from '../../../../addons/zigbee/src/network/network-identity.ts';
import { troubleOf } from '../../../../addons/zigbee/src/network/radio-trouble.ts';
import { mendBackup } from '../../../../addons/zigbee/src/network/stored-backup.ts';
import {
  checkIntent,
  networkOf,
  type StartQuestion,
} from '../../../../addons/zigbee/src/stick/start-policy.ts';
import { isAshAnswer, mtAnswer } from '../../../../addons/zigbee/src/stick/stick-probe.ts';
import { tempFolder } from '../../../support/temp-folder.ts';

describe('the start of a Zigbee coordinator', () => {
  const holds = { panId: 0x1a62, extendedPanId: 'aabbccddeeff0011', channel: 11 };
  const empty: StartQuestion = {
    intent: 'form',
    holds: undefined,
    formed: false,
    hasDevices: false,
    overwrite: false,
  };

  it('goes on with its own network, makes a first one, and gives an empty stick the backup', () => {
    checkIntent({ ...empty, intent: 'resume', holds, formed: true, hasDevices: true });
    checkIntent(empty);
    checkIntent({ ...empty, intent: 'restore', formed: true, hasDevices: true });
    checkIntent({ ...empty, formed: true });
  });

  it('never touches a stick that belongs to another network', () => {
    for (const intent of ['form', 'restore'] as const) {
      assert.throws(() => checkIntent({ ...empty, intent, holds }), {
        code: 'foreignNetwork',
        message: /PAN 0x1a62 on channel 11/,
      });
    }
  });

  it('makes no new network where devices wait for theirs', () => {
    assert.throws(() => checkIntent({ ...empty, formed: true, hasDevices: true }), { code: 'networkLost' });
  });

  it('does all that when a person has said so', () => {
    checkIntent({ ...empty, holds, formed: true, hasDevices: true, overwrite: true });
  });

  it('takes a record of no network for none', () => {
    assert.equal(networkOf({ ...holds, panId: 0xffff }), undefined);
    assert.equal(networkOf({ ...holds, channel: 0 }), undefined);
    assert.equal(networkOf({ ...holds, extendedPanId: '0000000000000000' }), undefined);
    assert.deepEqual(networkOf(holds), holds);
  });
});

describe('the files of a Zigbee network', () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => folder.remove());

  it('are the gateway’s alone, and keep what they held before', () => {
    const path = join(folder.path, 'a.json');
    writeDurably(path, '1');
    writeDurably(path, '2');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(readFileSync(`${path}.previous`, 'utf8'), '1');
    for (const damage of [
      () => writeFileSync(path, '{damaged'),
      () => {
        rmSync(path);
        mkdirSync(path);
      },
    ]) {
      damage();
      const said: string[] = [];
      assert.equal(
        readDurably(path, JSON.parse, (words) => said.push(words)),
        1,
      );
      assert.match(said.join(), /previous copy was put in its place, and it was set aside as .*\.damaged-/);
      assert.equal(readFileSync(path, 'utf8'), '1');
    }
    rmSync(`${path}.previous`);
    mkdirSync(`${path}.previous`);
    writeDurably(path, '3');
    assert.equal(
      readFileSync(`${path}.previous`, 'utf8'),
      '1',
      'a folder in its place keeps nothing from being written',
    );
    for (const each of [path, `${path}.previous`]) writeFileSync(each, '{damaged');
    assert.throws(() => readDurably(path, JSON.parse), /cannot be read/);
    assert.equal(readFileSync(path, 'utf8'), '{damaged', 'nothing is there to take its place');
    assert.equal(readDurably(join(folder.path, 'none'), JSON.parse), undefined);
  });

  it('hold a network that is made once, and differs from box to box', () => {
    const file = new IdentityFile(folder.path);
    const first = file.load(20);
    assert.equal(first.channel, 20);
    assert.deepEqual(file.load(11), first);
    assert.notEqual(newIdentity(11).networkKey, newIdentity(11).networkKey);
    assert.throws(
      () => parseIdentity(JSON.stringify({ ...first, networkKey: 'abcd' })),
      (error: Error) => {
        assert.doesNotMatch(error.message, /abcd/);
        return true;
      },
    );
    assert.throws(() => parseIdentity(JSON.stringify({ ...first, panId: 0xffff })));
  });

  it('hold a network whose key is not taken where a digit of it is another one', () => {
    const said: string[] = [];
    const file = new IdentityFile(folder.path, (words) => said.push(words));
    const { networkKey } = file.load(20);
    const path = join(folder.path, 'network.json');
    const damage = (name: string) => {
      const digit = networkKey.startsWith('a') ? 'b' : 'a';
      const text = readFileSync(name, 'utf8');
      writeFileSync(name, text.replace(networkKey, digit + networkKey.slice(1)));
    };
    file.save({ ...file.load(20), formedAt: 1 });
    damage(path);
    assert.equal(file.load(20).networkKey, networkKey);
    assert.match(said.join(), /network\.json cannot be read .*previous copy/);
    for (const name of [path, `${path}.previous`]) damage(name);
    assert.throws(
      () => file.load(20),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'networkUnreadable');
        assert.ok(!error.message.includes(networkKey.slice(1)));
        return true;
      },
    );
  });

  it('hold a backup of the coordinator: a damaged one is replaced by the one before, and keeps nothing from starting', () => {
    const path = join(folder.path, 'coordinator-backup.json');
    const backup = JSON.stringify({
      metadata: { format: 'zigpy/open-coordinator-backup', version: 1 },
      coordinator_ieee: '00124b0024c0ffee',
      pan_id: '1a62',
      extended_pan_id: 'dddddddddddddddd',
      network_key: { key: '01030507090b0d0f00020406080a0c0d' },
      devices: [],
    });
    assert.equal(mendBackup(path), undefined);
    writeDurably(path, backup);
    assert.equal(mendBackup(path), undefined);
    writeDurably(path, backup);
    writeFileSync(path, backup.slice(0, 60));
    assert.match(mendBackup(path) ?? '', /previous copy was put in its place/);
    assert.equal(readFileSync(path, 'utf8'), backup);
    for (const each of [path, `${path}.previous`]) writeFileSync(each, backup.replace('open', '\0\0\0\0'));
    assert.match(mendBackup(path) ?? '', /set aside as .*the next backup takes its place/);
    assert.ok(!existsSync(path));
  });

  it('hold the devices: a damaged database is replaced by the one before', () => {
    const path = join(folder.path, 'database.db');
    const lines = [
      '{"id":1,"type":"Coordinator"}',
      '{"id":2,"type":"Router"}',
      '{"id":3,"type":"Group"}',
    ].join('\n');
    assert.equal(mendDatabase(path), undefined);
    writeDurably(path, lines);
    assert.equal(mendDatabase(path), undefined);
    assert.equal(pairedDevicesIn(path), 1);
    writeDurably(path, `${lines}\n{"id":4,"type":"EndDevice"}`);
    for (const damage of ['', `${lines}\n{"id":4,"ty`, '\0\0\0\0']) {
      writeFileSync(`${path}.previous`, lines);
      writeFileSync(path, damage);
      assert.match(mendDatabase(path) ?? '', /previous copy was put in its place/);
      assert.equal(readFileSync(path, 'utf8'), lines);
    }
    writeFileSync(path, '{');
    writeFileSync(`${path}.previous`, '{');
    assert.match(mendDatabase(path) ?? '', /devices may be missing/);
    assert.equal(readFileSync(path, 'utf8'), '{', 'what can be read of it is gone on with');
  });

  it('take many changes of the devices at once, and have them on the disk before anything is acknowledged', () => {
    const failures: Error[] = [];
    makeDatabaseDurable((error) => failures.push(error));
    const require = createRequire(import.meta.url);
    const nothing = () => undefined;
    require('zigbee-herdsman').setLogger({ debug: nothing, info: nothing, warning: nothing, error: nothing });
    const { Database } = require('zigbee-herdsman/dist/controller/database.js');
    const path = join(folder.path, 'gathered.db');
    const database = Database.open(path);
    const controller = { database } as never;
    for (let id = 1; id <= 50; id += 1) database.insert({ id, type: 'Router' });
    assert.equal(existsSync(path), false);
    flushDatabase(controller);
    assert.equal(pairedDevicesIn(path), 50);
    const { mtimeMs } = statSync(path);
    flushDatabase(controller);
    assert.equal(statSync(path).mtimeMs, mtimeMs);
    database.remove(50);
    flushDatabase(controller);
    assert.equal(pairedDevicesIn(path), 49);
    assert.equal(pairedDevicesIn(`${path}.previous`), 50);
    assert.deepEqual(failures, []);
    assert.equal(mendDatabase(path), undefined);
    assert.deepEqual([...Database.open(path).getEntriesIterator(['Router'])].length, 49);
    // every line of it is one still
    writeFileSync(path, readFileSync(path, 'utf8').replace('"id":7,', '"id":6,'));
    assert.match(mendDatabase(path) ?? '', /previous copy was put in its place/);
    assert.equal(pairedDevicesIn(path), 50);
  });
});

describe('the libraries’ logs', () => {
  it('show no key, in whatever form, and no ids of the network', () => {
    const key = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
    const list = [...Buffer.from(key, 'hex')].join(',');
    for (const text of [
      `key=${key}.`,
      `KEY ${key.toUpperCase()}`,
      `[${list}]`,
      key.match(/../g)?.join(':') ?? '',
    ]) {
      assert.match(withoutKeys(text), /\*\*\*/);
      assert.doesNotMatch(withoutKeys(text).toLowerCase(), /0a1b2c|10,27|0a:1b/);
    }
    assert.equal(
      withoutKeys('Forming: {"panId":6754,"extendedPanId":[17,34,51,68,85,102,119,136],"radioChannel":20}'),
      'Forming: {"panId":"***","extendedPanId":"***","radioChannel":20}',
    );
    assert.equal(
      withoutKeys("Interview for '0x00158d0000000001' started"),
      "Interview for '0x00158d0000000001' started",
    );
  });
});

describe('the question who a stick is', () => {
  it('knows an answer of Z-Stack by its checksum, wherever it begins', () => {
    const answer = Buffer.from('fe02610179071c', 'hex');
    answer[6] = [0x02, 0x61, 0x01, 0x79, 0x07].reduce((sum, byte) => sum ^ byte, 0);
    assert.deepEqual(
      mtAnswer(Buffer.concat([Buffer.from([0xfe, 0x00]), answer]), 0x01),
      Buffer.from([0x79, 0x07]),
    );
    assert.equal(mtAnswer(answer.subarray(0, 5), 0x01), undefined);
    answer[6] = (answer[6] as number) ^ 1;
    assert.equal(mtAnswer(answer, 0x01), undefined);
  });

  it('knows an answer of EmberZNet', () => {
    assert.equal(isAshAnswer(Buffer.from('1ac1020b0a527e', 'hex')), true);
    assert.equal(isAshAnswer(Buffer.from('c1020b0a52', 'hex')), false);
    assert.equal(isAshAnswer(Buffer.from('fe00210120', 'hex')), false);
  });
});

describe('what a port fails with', () => {
  for (const [error, code] of [
    [Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }), 'tcpUnreachable'],
    [new Error('Error: No such file or directory, cannot open /dev/ttyUSB0'), 'stickAbsent'],
    [new Error('Error: Permission denied, cannot open /dev/ttyUSB0'), 'permissionDenied'],
    [new Error('Error Resource temporarily unavailable Cannot lock port'), 'portBusy'],
    [new Error('Failed to connect to the adapter (Error: SRSP - SYS - ping after 6000ms)'), 'stickMute'],
    [new Error('network commissioning failed - panId collision detected'), 'startFailed'],
    [new Error('anything'), 'startFailed'],
  ] as [Error, string][]) {
    it(`has a name: ${code} for "${error.message}"`, () => {
      const trouble = troubleOf(error, '/dev/ttyUSB0');
      assert.equal(trouble.code, code);
      assert.match(trouble.reason, new RegExp(`^${code}: .+; .+`));
    });
  }
});
