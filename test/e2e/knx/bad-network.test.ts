/** A network between gate and the bus that loses, is cut, and a server that dies: what was accepted reaches the bus, in order. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { SERVICE } from '../../../addons/knx/src/wire/ip-frame.ts';
import { until } from '../../support/until.ts';
import { KnxInstallation, type SetAnswer } from './support/knx-installation.ts';

const OUTAGE_MS = 5_000;
const DOWN_MS = 4_000;
const EVERY_MS = 100;
/** What a telegram that has reached knxd may take to both its sides. */
const SETTLE_MS = 500;
/** Longer than any outage here, and what is waited for a write. */
const PATIENCE_SECONDS = 60;
const LOSS = 0.02;

describe('a KNX installation behind a bad network', function () {
  this.timeout(120_000);
  let house: KnxInstallation;

  before(async function () {
    house = await KnxInstallation.reached(this, { relayed: true });
  });

  afterEach(() => {
    if (house) house.relay.loses = () => false;
  });

  after(() => house?.stop());

  /** A device that numbers are written to, and what the bus has heard of them. */
  async function counter(group: string) {
    const { id, status } = await house.paired({ group_address: group, dpt: '7.001', flags: ['write'] });
    assert.equal(status.eventType, 'paired', JSON.stringify(status));
    const write = (number: number) => house.setWithin(PATIENCE_SECONDS, id, { value: number });
    const heard = () => house.writesTo(group).map((value) => Number.parseInt(value, 16));
    return { id, write, heard };
  }

  /** Writes 0, 1, … at a steady pace. `answered` counts those that were answered; `all` has every answer in the end. */
  function paced(total: number, write: (number: number) => Promise<{ status: number; body: SetAnswer }>) {
    const writes: Promise<number>[] = [];
    const progress = { answered: 0 };
    const all = (async () => {
      for (let number = 0; number < total; number += 1) {
        const written = write(number).then(({ status }) => {
          progress.answered += 1;
          return status;
        });
        written.catch(() => undefined);
        writes.push(written);
        await pause(EVERY_MS);
      }
      return Promise.all(writes);
    })();
    all.catch(() => undefined);
    return { progress, all };
  }

  /** Every number, in order; one that was under way when the link broke may come again at its place. @returns how many did */
  async function repeatsIn(numbers: readonly number[], total: number): Promise<number> {
    const first = numbers.filter((number, at) => numbers.indexOf(number) === at);
    assert.deepEqual(
      first,
      Array.from({ length: total }, (_, number) => number),
    );
    const inOrder = numbers.every((number, at) => at === 0 || number >= (numbers[at - 1] as number));
    assert.ok(inOrder, numbers.join());
    return numbers.length - first.length;
  }

  /** How often the link was lost: each time one telegram at most was under way. */
  async function linksLost(): Promise<number> {
    const ups = (await house.logged()).filter((line) => line.includes('connected to the KNX bus'));
    return ups.length - 1;
  }

  it('delivers every write, in order, through 2 % loss each way and an outage of 5 s', async () => {
    const { write, heard } = await counter('2/0/1');
    // of the same figures each time
    let seed = 11;
    let lost = 0;
    const lossy = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      const loses = seed / 2 ** 31 < LOSS;
      if (loses) lost += 1;
      return loses;
    };
    const before = await linksLost();
    house.relay.loses = lossy;
    const total = 150;
    const { all } = paced(total, write);
    await until('30 are out', () => heard().length >= 30);
    house.relay.loses = () => true;
    await pause(OUTAGE_MS);
    house.relay.loses = lossy;
    const statuses = await all;
    assert.deepEqual([...new Set(statuses)], [200]);
    await until('the bus has heard all', () => new Set(heard()).size === total);
    assert.ok(lost > 0, 'the network has lost nothing');
    const repeats = await repeatsIn(heard(), total);
    await until(
      'no more came twice than links were lost',
      async () => repeats <= (await linksLost()) - before,
    );
    assert.ok((await linksLost()) > before);
  });

  it('delivers every write when knxd is killed and 4 s away', async () => {
    const { write, heard } = await counter('2/0/2');
    const total = 100;
    const { progress, all } = paced(total, write);
    await until('some are out', () => heard().length >= 10);
    // nothing on its way while it dies, or while nobody listens: else knxtool could not count. What has reached knxd is let
    // through to its end, for knxd holds up everybody while one client does not acknowledge
    house.relay.loses = (bytes, direction) =>
      direction === 'toServer' && bytes.readUInt16BE(2) === SERVICE.tunnellingRequest;
    await pause(SETTLE_MS);
    await until('knxtool has heard what was answered', () => heard().length >= progress.answered);
    await house.knxd.kill();
    house.relay.loses = () => true;
    const downs = house.protocolIs('degraded');
    await pause(DOWN_MS);
    assert.match(await downs, /does not answer/);
    await house.knxd.start();
    const again = await house.knxd.listen();
    house.relay.loses = () => false;
    const statuses = await all;
    assert.deepEqual([...new Set(statuses)], [200]);
    const earlier = house.heard;
    house.heard = again;
    const whole = () => {
      const both = [...earlier, ...again].filter(({ destination }) => destination === '2/0/2');
      return both.map(({ value }) => Number.parseInt(value, 16));
    };
    await until('the bus has heard all', () => new Set(whole()).size === total);
    assert.ok((await repeatsIn(whole(), total)) <= 1);
    await house.protocolIs('running');
  });

  it('sends a telegram again that was under way when the link broke, and says when that was in vain', async () => {
    const { write, heard, id } = await counter('2/0/3');
    // from the confirmation on nothing comes through
    const cutAtConfirmation = () => {
      let cut = false;
      house.relay.loses = (bytes, direction) => {
        cut ||= direction === 'toClient' && bytes.readUInt16BE(2) === SERVICE.tunnellingRequest;
        return cut;
      };
    };
    cutAtConfirmation();
    const written = write(7);
    await house.protocolIs('degraded');
    house.relay.loses = () => false;
    assert.equal((await written).status, 200);
    await until('the bus has heard it again', () => heard().length === 2);
    assert.deepEqual(heard(), [7, 7]);

    await house.protocolIs('running');
    cutAtConfirmation();
    const given = await house.setWithin(15, id, { value: 8 });
    assert.deepEqual([given.status, given.body.code], [503, 'deviceTimeout']);
    assert.match(JSON.stringify(given.body), /under way when the link to the KNX bus broke/);
    house.relay.loses = () => false;
    await house.protocolIs('running');
    assert.equal((await write(9)).status, 200);
    await until('the next one is heard', () => heard().includes(9));
    assert.deepEqual(heard(), [7, 7, 8, 9]);
  });

  it('reads its addresses again after an outage, so that what happened meanwhile is known', async () => {
    const addresses = ['3/0/1', '3/0/2', '3/0/3'];
    const stopOld = addresses.map((address) => house.knxd.answering(house.heard, address, 0));
    let stopNew: (() => void)[] = [];
    try {
      const { id } = await house.paired({
        datapoints: addresses.map((group, at) => ({ name: `p${at}`, group_address: group, dpt: '1.001' })),
      });
      await until('the state is known', () => house.readingsOf(id).length >= addresses.length);
      assert.ok(house.readingsOf(id).every((reading) => Object.values(reading)[0] === false));
      house.relay.loses = () => true;
      await house.protocolIs('degraded');
      await until('it is unavailable', async () => (await house.device(id)).availability?.online === false);
      // nobody tells gate of this
      for (const stop of stopOld) stop();
      for (const address of addresses) await house.knxd.write(address, 1);
      stopNew = addresses.map((address) => house.knxd.answering(house.heard, address, 1));
      house.readings.length = 0;
      house.relay.loses = () => false;
      await until('the new state is known', () => house.readingsOf(id).length >= addresses.length);
      assert.deepEqual(house.readingsOf(id), [{ p0: true }, { p1: true }, { p2: true }]);
      await until('it is available', async () => (await house.device(id)).availability?.online === true);
    } finally {
      for (const stop of [...stopOld, ...stopNew]) stop();
    }
  });
});
