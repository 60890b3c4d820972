/**
 * What a KNX tunnel loses and how fast it is: the add-on's own against knxd on loopback, with `knxtool` as the other side,
 * beside the npm packages `knx` and `knxultimate` in the same run; and what a telegram takes to a client of the daemon.
 */
import { installPeers } from '../peers/peers.ts';
import type { Bench, Benchmark, Section } from './benchmark.ts';
import type { Delivery } from './knx-client.ts';
import { telegramsToClient } from './knx-live.ts';
import { type PackageBurst, packageBursts } from './knx-packages.ts';
import { burst, DOWN_MS, inbound, killed, LOSS, lossAndOutage, OUTAGE_MS } from './knx-runs.ts';
import { quantile } from './quantiles.ts';
import { count, ms } from './units.ts';

const BURST = 1_000;
const AIM_BACK_MS = 2_000;
/** What a KNX line carries, and far more. */
const LIVE_RATES = [
  { perSecond: 20, what: '20 telegrams/s' },
  { perSecond: 100, what: '100 telegrams/s' },
  // saved commit windows are used up by then
  { perSecond: 100, afterSeconds: 60, what: '100 telegrams/s, after a minute of them' },
];
const KILLED_WRITES = 100;

function packageRow({ name, delivery, perSecond, trouble }: PackageBurst): string[] {
  const what = `burst of ${count(BURST)} through the package ${name}`;
  if (delivery === undefined) return [what, trouble ?? '', '', ''];
  return [what, count(delivery.delivered), count(delivery.repeated), count(perSecond ?? 0)];
}

async function run(bench: Bench): Promise<Section> {
  const [trouble] = installPeers(['knxd']);
  if (trouble) throw new Error(trouble);
  bench.say('a burst');
  const ours = await burst(BURST);
  const theirs = await packageBursts(bench, BURST);
  bench.say('throughput');
  const total = bench.short ? 5_000 : 50_000;
  const fast = await burst(total);
  bench.say(`${LOSS * 100} % loss and an outage`);
  const steady = bench.short ? 100 : 300;
  const through = await lossAndOutage(steady);
  bench.say('knxd killed');
  const { delivery: afterKill, backMs } = await killed(KILLED_WRITES);
  bench.say('inbound');
  const inboundTotal = bench.short ? 500 : 3_000;
  const received = await inbound(inboundTotal);
  bench.say('from the bus to a client');
  const rates = LIVE_RATES.filter(({ afterSeconds }) => !bench.short || afterSeconds === undefined);
  const live = await telegramsToClient(bench, rates, bench.short ? 10 : 30);
  const lostLive = live.some(({ sent, times }) => times.length !== sent);
  const whole = ({ delivered, inOrder }: Delivery, of: number) => delivered === of && inOrder;
  const allWhole = whole(ours.delivery, BURST) && whole(through, steady) && whole(afterKill, KILLED_WRITES);
  if (!allWhole || received !== inboundTotal || lostLive) {
    const heard = live.map(({ what, sent, times }) => ({ what, sent, heard: times.length }));
    throw new Error(`telegrams were lost: ${JSON.stringify({ ours, through, afterKill, received, heard })}`);
  }
  return {
    title: 'KNX: what a tunnel delivers',
    aims: [
      {
        what: `of a burst of ${count(BURST)} writes, delivered`,
        aim: count(BURST),
        measured: count(ours.delivery.delivered),
        met: whole(ours.delivery, BURST),
      },
      {
        what: `at 10 writes/s with ${LOSS * 100} % loss each way and ${OUTAGE_MS / 1_000} s of outage, delivered in order`,
        aim: count(steady),
        measured: count(through.delivered),
        met: whole(through, steady),
      },
      {
        what: `knxd killed for ${DOWN_MS / 1_000} s under 10 writes/s: the tunnel is up after it is started again`,
        aim: `≤ ${ms(AIM_BACK_MS)}`,
        measured: ms(backMs),
        met: backMs <= AIM_BACK_MS,
      },
      {
        what: `of the ${count(KILLED_WRITES)} writes before, meanwhile and after, delivered in order`,
        aim: count(KILLED_WRITES),
        measured: count(afterKill.delivered),
        met: whole(afterKill, KILLED_WRITES),
      },
      {
        what: `of ${count(inboundTotal)} telegrams at 100/s, received`,
        aim: count(inboundTotal),
        measured: count(received),
        met: received === inboundTotal,
      },
    ],
    tables: [
      {
        title: 'Writes',
        rows: [
          ['', 'delivered', 'twice', 'telegrams/s'],
          [
            `burst of ${count(BURST)}`,
            count(ours.delivery.delivered),
            count(ours.delivery.repeated),
            count(ours.perSecond),
          ],
          ...theirs.map(packageRow),
          [
            `burst of ${count(total)}`,
            count(fast.delivery.delivered),
            count(fast.delivery.repeated),
            count(fast.perSecond),
          ],
          [`loss and outage, ${count(steady)} writes`, count(through.delivered), count(through.repeated), ''],
          [
            `knxd killed, ${count(KILLED_WRITES)} writes`,
            count(afterKill.delivered),
            count(afterKill.repeated),
            '',
          ],
        ],
      },
      {
        title: 'From a write on the bus to the `data` event in a socket.io client',
        rows: [
          ['', 'p50', 'p99', 'max', 'sent', 'received'],
          ...live.map(({ what, sent, times }) => [
            what,
            ms(quantile(times, 0.5)),
            ms(quantile(times, 0.99)),
            ms(quantile(times, 1)),
            count(sent),
            count(times.length),
          ]),
        ],
      },
    ],
    notes: [
      'A telegram that was under way when the link broke is sent again: that is what “twice” counts.',
      'At 20 telegrams a second, what a KNX line carries, a reading waits for no commit window. A stream of 100 is told at once for some 40 s, by windows saved before, then by the window of 25 ms (`COMMIT_WINDOW_MS`).',
    ],
    how: [
      'The add-on’s bus (`addons/knx/src/link`) in the benchmark’s own process, one tunnel over UDP; `knxtool groupsocketlisten` on the other side counts what the bus has heard. A write counts for the rate when the bus has confirmed it.',
      'Loss and outage are made by a UDP relay between client and knxd. It also keeps the add-on from the new knxd until another knxtool listens, for that dies with knxd: the time that takes counts.',
      'The packages run in a process of their own, as they are set by default, against a knxd of their own; their rate is counted on the bus, from the first telegram to the last. `knxultimate` is installed for this run only, into a cache folder.',
      'From the bus to a client: the packaged daemon with the KNX add-on as its child; another tunnel writes, and the time is taken in the one process that writes and holds the socket.io client.',
    ],
  };
}

export const knx: Benchmark = { name: 'knx', run };
