/** What a stick held before it was taken over: kept in files of their own, or said why not. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CoordinatorBackup } from '../../../../addons/zigbee/src/network/backup-text.ts';
import { TakeOver } from '../../../../addons/zigbee/src/network/take-over.ts';
import { tempFolder } from '../../../support/temp-folder.ts';
import { ManualClock } from '../manual-clock.ts';

const DAY_MS = 24 * 3_600_000;
const KEY = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';

/** As the library reads it from a stick. */
function held(ieee = '00124b0024c0ffee', key = KEY): CoordinatorBackup {
  return {
    networkOptions: {
      panId: 0x1a62,
      extendedPanId: Buffer.from('aabbccddeeff0011', 'hex'),
      channelList: [11],
      networkKey: Buffer.from(key, 'hex'),
      networkKeyDistribute: false,
    },
    logicalChannel: 11,
    networkKeyInfo: { sequenceNumber: 0, frameCounter: 1250 },
    securityLevel: 5,
    networkUpdateId: 0,
    coordinatorIeeeAddress: Buffer.from(ieee, 'hex'),
    devices: [
      { networkAddress: 0x1234, ieeeAddress: Buffer.from('00158d0000000001', 'hex'), isDirectChild: true },
    ],
    znp: { version: 1 },
  } as CoordinatorBackup;
}

describe('the word that a Zigbee stick may be taken over', () => {
  let folder: ReturnType<typeof tempFolder>;
  let clock: ManualClock;
  let said: string[];
  beforeEach(() => {
    folder = tempFolder();
    clock = new ManualClock();
    said = [];
  });
  afterEach(() => folder.remove());

  const word = (unsaved = false) => {
    const log = {
      info: (text: string) => said.push(text),
      error: (text: string) => said.push(text),
    } as never;
    return new TakeOver({ folder: folder.path, log, clock, unsaved });
  };
  const files = () => readdirSync(folder.path).filter((name) => name.endsWith('.json'));

  it('has the network saved, for the gateway alone, once for each stick', async () => {
    const takeOver = word();
    assert.match(JSON.stringify(takeOver.outcome), /"saved":null,.*nothing to save/);
    await takeOver.save(async () => held());
    const { outcome } = takeOver;
    assert.deepEqual(outcome, { saved: files()[0], devices: 1 });
    const path = join(folder.path, outcome.saved ?? '');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(JSON.parse(readFileSync(path, 'utf8')).network_key.key, KEY);
    assert.equal(said.join().includes(KEY), false);

    // what a start that failed has left on the same stick
    await clock.advance(1_000);
    await takeOver.save(async () => held('00124b0024c0ffee', KEY.replace('0a', '0b')));
    assert.deepEqual(takeOver.outcome, outcome);
    assert.equal(files().length, 1);
    await takeOver.save(async () => held('00124b00aaaaaaaa'));
    assert.equal(files().length, 2);
  });

  it('counts for two minutes', async () => {
    const takeOver = word();
    await clock.advance(2 * 60_000 - 1);
    assert.equal(takeOver.counts, true);
    await clock.advance(1);
    assert.equal(takeOver.counts, false);
  });

  for (const [what, read, why] of [
    ['does not answer', () => new Promise<never>(() => undefined), /it was not read within 30 s/],
    ['refuses', () => Promise.reject(new Error(`status 10 of ${KEY}`)), /status 10 of \*\*\*/],
    ['lacks a table', () => Promise.reject(new TypeError('of null')), /does not hold all that belongs/],
    ['has half a key', async () => held(undefined, KEY.slice(2)), /it is no whole backup/],
  ] as const) {
    it(`gives nothing up where the stick ${what}, unless it says so`, async () => {
      const refused = word();
      const refusal = assert.rejects(
        refused.save(read),
        (error: Error & { code?: string; hint?: string }) => {
          assert.equal(error.code, 'foreignNetwork');
          assert.match(error.message, why);
          assert.match(error.message, /nothing was changed on it/);
          assert.match(error.hint ?? '', /"unsaved": true/);
          return true;
        },
      );
      await clock.advance(30_000);
      await refusal;
      assert.equal(refused.counts, false, 'the next attempt would overwrite it');

      const givenUp = word(true);
      const saving = givenUp.save(read);
      await clock.advance(30_000);
      await saving;
      const { saved, reason } = givenUp.outcome as { saved: null; reason: string };
      assert.equal(saved, null);
      assert.match(reason, why);
      // what stands on the stick by now is not what it held
      await givenUp.save(async () => held());
      assert.equal(givenUp.outcome.saved, null);
      assert.deepEqual(files(), []);
      assert.equal(`${said.join()}${reason}`.includes(KEY.slice(2)), false);
    });
  }

  it('gives nothing up where the disk takes nothing', async () => {
    folder.remove();
    await assert.rejects(
      word().save(async () => held()),
      /could not be saved \(ENOENT/,
    );
    mkdirSync(folder.path);
  });

  it('leaves ten networks at most, the newest', async () => {
    const names: (string | null)[] = [];
    for (let day = 0; day < 12; day += 1) {
      const takeOver = word();
      await takeOver.save(async () => held());
      names.push(takeOver.outcome.saved);
      await clock.advance(DAY_MS);
    }
    assert.deepEqual(files().toSorted(), names.slice(2));
    // a box whose clock has lost its time
    clock = new ManualClock(0);
    const takeOver = word();
    await takeOver.save(async () => held());
    assert.deepEqual(files().toSorted(), [takeOver.outcome.saved, ...names.slice(3)]);
  });
});
