import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'valibot';
import { containerSchema } from '../../../src/contract/container.ts';
import { partOf } from '../../../src/core/protocols/protocols.ts';
import { House, runs, STUBBORN, UNHURRIED, until, WELL_BEHAVED } from './house.ts';

const PRINT_PID = `console.log('pid=' + process.pid);`;

describe('supervisor with real processes', () => {
  let house: House;

  afterEach(() => house.close());

  /** Also when a test fails between: the house is closed, and everything in it with it. */
  async function open(...settings: Parameters<typeof House.open>): Promise<House> {
    house = await House.open(...settings);
    await house.supervisor.start();
    return house;
  }

  it('starts what is desired and leaves to the add-on what it says of itself', async () => {
    await open();
    await house.want('knx', WELL_BEHAVED);
    await until(() => house.linesOf('knx').includes('connect'), 'it connected');
    assert.equal(house.part('knx')?.state, 'starting');
    house.health.report(partOf('knx'), 'degraded', 'no KNX/IP server answers');
    house.events.emit('protocolsChanged', { slug: 'knx' });
    await house.want('http', WELL_BEHAVED);
    await until(() => house.linesOf('http').includes('connect'), 'the other connected');
    assert.equal(house.part('knx')?.reason, 'no KNX/IP server answers');
    assert.equal(house.issued.length, 2);
  });

  it('starts a crashing add-on again, each time with a fresh token, and keeps the reason', async () => {
    await open();
    await house.want(
      'knx',
      `console.log('token=' + process.env.GATE_ADDON_TOKEN); throw new Error('the bus is on fire');`,
    );
    await until(() => (house.part('knx')?.restarts ?? 0) >= 2, 'it was started again twice');
    await until(() => house.part('knx')?.state === 'failed', 'it failed again');
    assert.equal(house.part('knx')?.lastFailure, 'it exited with code 1 ("Error: the bus is on fire")');
    assert.match(
      house.part('knx')?.reason ?? '',
      /^it exited with code 1 \("Error: the bus is on fire"\); next start in \d+ s \(attempt \d+\)$/,
    );
    const tokens = house.printed('knx', 'token');
    assert.equal(new Set(tokens).size, tokens.length);
    assert.ok(house.revoked.length >= 2);
  });

  it('starts an add-on again that ended without an error', async () => {
    await open();
    await house.want('knx', `process.exit(0);`);
    await until(() => (house.part('knx')?.restarts ?? 0) >= 1, 'it was started again');
    assert.equal(house.part('knx')?.lastFailure, 'it exited with code 0');
  });

  it('keeps the others running while one crashes again and again', async () => {
    await open();
    await house.want('http', PRINT_PID + WELL_BEHAVED);
    await until(() => house.linesOf('http').includes('connect'), 'it connected');
    await house.want('knx', `process.exit(1);`);
    await until(() => (house.part('knx')?.restarts ?? 0) >= 3, 'the other crashed thrice');
    assert.equal(house.printed('http', 'pid').length, 1);
    assert.ok(await runs(Number(house.printed('http', 'pid')[0])));
  });

  it('kills and restarts an add-on that never connects', async () => {
    await open({ hang: { connectMs: 1_000, reconnectMs: 60_000 } });
    await house.want('knx', STUBBORN.replace("console.log('connect');", PRINT_PID));
    await until(() => house.printed('knx', 'pid').length >= 2, 'a second process came');
    assert.equal(house.part('knx')?.lastFailure, 'it did not connect within 1 s of its start');
    assert.equal(await runs(Number(house.printed('knx', 'pid')[0])), false);
  });

  it('kills and restarts an add-on that loses its connection and hangs', async () => {
    await open({ hang: { connectMs: 60_000, reconnectMs: 100 } });
    const states: string[] = [];
    house.events.on('healthChanged', ({ state, reason }) => states.push(`${state}: ${reason}`));
    await house.want('knx', `${PRINT_PID}${STUBBORN}console.log('disconnect');`);
    await until(() => house.printed('knx', 'pid').length >= 2, 'a second process came');
    assert.equal(
      house.part('knx')?.lastFailure,
      'it hung: its connection ended and was not back within 0.1 s',
    );
    assert.equal(await runs(Number(house.printed('knx', 'pid')[0])), false);
    assert.ok(states.includes('degraded: it lost its connection to gate'), states.join('\n'));
  });

  it('leaves an add-on alone that loses its connection and comes back', async () => {
    await open({ hang: { connectMs: 60_000, reconnectMs: 2_000 } });
    await house.want('knx', `${PRINT_PID}${WELL_BEHAVED}console.log('disconnect'); console.log('connect');`);
    await until(() => house.linesOf('knx').filter((line) => line === 'connect').length === 2, 'it is back');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(house.part('knx')?.lastFailure, undefined);
    assert.equal(house.printed('knx', 'pid').length, 1);
  });

  it('ends an add-on that is removed, and forgets its health', async () => {
    await open({}, UNHURRIED);
    await house.want('knx', PRINT_PID + WELL_BEHAVED);
    await until(() => house.linesOf('knx').includes('connect'), 'it connected');
    house.unwant('knx');
    await until(() => house.revoked.includes('knx'), 'it was ended');
    assert.ok(house.linesOf('knx').includes('good night'));
    assert.equal(await runs(Number(house.printed('knx', 'pid')[0])), false);
    await until(() => house.part('knx') === undefined, 'health has forgotten it');
  });

  it('forgets an add-on that is removed while it waits for its next start', async () => {
    await open({ restart: { minMs: 60_000, maxMs: 60_000, stableMs: 60_000 } });
    await house.want('knx', `process.exit(3);`);
    await until(() => house.part('knx')?.state === 'failed', 'it failed');
    house.unwant('knx');
    await until(() => house.part('knx') === undefined, 'health has forgotten it');
  });

  it('replaces an add-on by its new version', async () => {
    await open();
    await house.want('knx', `console.log('version=1');${WELL_BEHAVED}`);
    await until(() => house.linesOf('knx').includes('connect'), 'it connected');
    await house.want('knx', `console.log('version=2');${WELL_BEHAVED}`, { version: '2.0.0' });
    await until(() => house.printed('knx', 'version').includes('2'), 'the new version runs');
    assert.equal(house.part('knx')?.restarts, 0);
  });

  it('says which runtimes an add-on has that cannot run as a process', async () => {
    await open();
    await house.want('node-red', '', {
      runtime: { container: parse(containerSchema, { image: 'nodered/node-red' }) },
    });
    await until(() => house.part('node-red')?.state === 'failed', 'it is refused');
    assert.equal(
      house.part('node-red')?.reason,
      'it cannot run as a process: its manifest has no "process" runtime, only container',
    );
    assert.deepEqual(house.issued, []);
  });

  it('says that the entry is missing, and starts once it is there', async () => {
    await open();
    const addon = await house.package('knx', '');
    await rm(join(addon.folder, 'main.mjs'));
    house.desired.set('knx', { slug: 'knx', addon, parameters: {} });
    house.events.emit('protocolsChanged', { slug: 'knx' });
    await until(() => house.part('knx')?.state === 'failed', 'it failed');
    assert.match(house.part('knx')?.lastFailure ?? '', /^it cannot be started: there is no main\.mjs in /);
    await writeFile(join(addon.folder, 'main.mjs'), WELL_BEHAVED);
    await until(() => house.linesOf('knx').includes('connect'), 'it connected');
  });

  it('stops all add-ons, also those that ignore SIGTERM, and may be stopped twice', async () => {
    await open();
    await house.want('knx', PRINT_PID + STUBBORN);
    await house.want('http', PRINT_PID + WELL_BEHAVED);
    await house.want('zigbee', `process.exit(1);`);
    await until(
      () => house.linesOf('knx').includes('connect') && house.linesOf('http').includes('connect'),
      'they connected',
    );
    await Promise.all([house.supervisor.stop(), house.supervisor.stop()]);
    for (const slug of ['knx', 'http']) {
      assert.equal(await runs(Number(house.printed(slug, 'pid')[0])), false);
      assert.deepEqual(house.part(slug)?.state, 'stopped');
    }
    const { length } = house.issued;
    house.events.emit('protocolsChanged', { slug: 'knx' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(house.issued.length, length);
  });

  it('leaves nothing behind when it is stopped right after it was started', async () => {
    await open();
    await house.want('knx', PRINT_PID + STUBBORN);
    await until(() => house.issued.length === 1, 'its start began');
    await house.supervisor.stop();
    for (const pid of house.printed('knx', 'pid')) assert.equal(await runs(Number(pid)), false);
    assert.deepEqual(house.revoked, ['knx']);
  });
});
