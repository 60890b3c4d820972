/**
 * A Zigbee house that loses its daemon, its add-on or its stick, in the middle of a pairing and otherwise: nothing that
 * was paired has to be paired again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { TYPES, ZigbeeHouse } from '../../test/e2e/zigbee/zigbee-house.ts';
import { ColourBulb } from '../../test/simulators/zigbee/devices/colour-bulb.ts';
import { until } from '../../test/support/until.ts';
import { demand, FaultFound, type FaultRun, type Scenario, type Survived } from './scenario.ts';

const CUTS = { short: 15, long: 1_500 };
/** After many kills an add-on is started again with a pause of a minute. */
const WORKS_AGAIN_MS = 100_000;
const ACTIONS = [
  'daemon in a pairing',
  'add-on in a pairing',
  'stick in a pairing',
  'daemon',
  'add-on',
  'stick',
] as const;

export const zigbeeKills: Scenario = {
  name: 'zigbee-kills',
  breaks:
    '`kill -9` of the daemon or of the Zigbee add-on, or the (simulated) stick pulled out, in the middle of a pairing and otherwise',
  holds:
    'every pairing ends, and can be done again; what was paired works without being paired again; the network stays the same',
  boundMs: { short: 900_000, long: 10 * 3_600_000 },
  run,
};

async function run({ scope, random, long, isOver, say }: FaultRun): Promise<Survived> {
  const house = await ZigbeeHouse.open();
  scope.defer(() => house.close());
  const bulb = house.radio.add(new ColourBulb());
  const { id } = await house.pair(TYPES.bulb, bulb);
  const key = house.radio.network?.networkKey.toString('hex');
  const counts = new Map<string, number>();
  let endedPaired = 0;
  const cuts = CUTS[long ? 'long' : 'short'];
  let deck: (typeof ACTIONS)[number][] = [];
  let cut = 0;
  for (; cut < cuts && !isOver(); cut += 1) {
    if (deck.length === 0) deck = random.shuffled(ACTIONS);
    const action = deck.pop() as (typeof ACTIONS)[number];
    say(`cut ${cut} of ${cuts}: ${action}`);
    counts.set(action, (counts.get(action) ?? 0) + 1);
    try {
      if (action.endsWith('in a pairing')) {
        const guest = house.radio.add(new ColourBulb());
        const guestId = await house.create(TYPES.bulb, {}, 'guest');
        await house.startPairing(guestId);
        guest.seek();
        await pause(random.next() * 1_500);
        await breakIt(house, action);
        if ((await house.pairingEnd(guestId, WORKS_AGAIN_MS)).status.eventType === 'paired') endedPaired += 1;
        else await pairAgain(house, guestId, guest);
        await works(house, guestId, guest);
        await house.api.send('DELETE', `/device/v1/devices/${guestId}`);
        house.radio.remove(guest);
      } else {
        await pause(random.next() * 300);
        await breakIt(house, action);
      }
      await works(house, id, bulb);
      demand(house.radio.network?.networkKey.toString('hex') === key, 'the network is another one');
    } catch (error) {
      throw new FaultFound(
        `cut ${cut}, ${action}: ${(error as Error).message}\n${house.log().slice(-2_000)}`,
        {
          cause: error,
        },
      );
    }
  }
  return {
    faults: cut,
    planned: cuts,
    counts: {
      of: [...counts].map(([name, count]) => `${name} ${count}`).join(', '),
      'pairings that ended well all the same': endedPaired,
    },
  };
}

async function breakIt(house: ZigbeeHouse, action: string): Promise<void> {
  if (action.startsWith('daemon')) return house.restart('kill');
  if (action.startsWith('stick')) {
    await house.radio.unplug();
    await house.until('degraded');
    return house.radio.replug();
  }
  const { pid } = JSON.parse(readFileSync(join(house.folder.path, 'run', 'zigbee.json'), 'utf8'));
  process.kill(pid, 'SIGKILL');
  await until('the end of the add-on is noticed', async () => (await house.part())?.state !== 'running');
}

async function pairAgain(house: ZigbeeHouse, deviceId: string, bulb: ColourBulb): Promise<void> {
  await house.until('running', undefined, WORKS_AGAIN_MS);
  // as its manual says: it may have joined the time before
  bulb.reset();
  await house.startPairing(deviceId);
  bulb.seek();
  const { status } = await house.pairingEnd(deviceId, WORKS_AGAIN_MS);
  demand(status.eventType === 'paired', () => `a second pairing ended as ${JSON.stringify(status)}`);
}

/** It does what it is told. */
async function works(house: ZigbeeHouse, deviceId: string, bulb: ColourBulb): Promise<void> {
  await house.until('running', undefined, WORKS_AGAIN_MS);
  const state = bulb.state.on ? 'OFF' : 'ON';
  await until(
    `the bulb is ${state}`,
    async () => (await house.set(deviceId, { state })).status === 200 && bulb.state.on === (state === 'ON'),
    WORKS_AGAIN_MS,
  );
}
