/**
 * How long a live reading takes to the cloud, how quickly a backlog gets there beside it, and what that takes in
 * memory. Beside it, in the same run: mosquitto as a bridge, killed in an outage.
 */
import type { Bench, Benchmark, Section } from './benchmark.ts';
import { type BridgeRun, bridgeRun } from './cloud-bridge.ts';
import { killedRelay, LIVE_PER_SECOND, type RelayRun, relayRun } from './cloud-runs.ts';
import { count, megabytes, ms } from './units.ts';

const AIM_PER_SECOND = 20_000;
const AIM_LIVE_MS = 1_000;
/** The most that the daemon may grow by while it drains a backlog: within the limits, and without any. */
const AIM_GROWTH_BYTES = 15e6;
const AIM_LIFTED_GROWTH_BYTES = 25e6;

async function run(bench: Bench): Promise<Section> {
  const { short, say } = bench;
  const backlog = short ? 100_000 : 1_000_000;
  const outage = short ? 1_000 : 10_000;
  say('live readings alone');
  const live = await relayRun(bench, { backlog: 0, aws: false, forMs: short ? 10_000 : 60_000 });
  say(`a backlog of ${count(backlog)}, without limits`);
  const lifted = await relayRun(bench, { backlog, aws: false });
  say('a backlog within the limits of AWS IoT Core');
  const aws = await relayRun(bench, { backlog, aws: true, forMs: short ? 15_000 : 120_000 });
  say('the relay killed in an outage');
  const killed = await killedRelay(bench, outage);
  say('a bridge killed in an outage, as it comes');
  const bridge = await bridgeRun(bench, outage, false);
  say('a bridge killed in an outage, autosave_on_changes');
  const autosave = await bridgeRun(bench, outage, true);
  if (killed > 0 || lifted.relayed < backlog)
    throw new Error(`readings were lost: ${JSON.stringify({ killed, lifted })}`);

  const rows: [string, RelayRun][] = [
    ['live readings alone', live],
    [`beside a backlog of ${count(backlog)}, without limits`, lifted],
    [`beside the same backlog, 90 publishes/s and 384 KiB/s`, aws],
  ];
  const grown = aws.rss.most - aws.rss.idle;
  const grownLifted = lifted.rss.most - lifted.rss.idle;
  const p99 = Math.max(lifted.live.p99, aws.live.p99);
  return {
    title: 'Cloud: from the store to the broker',
    aims: [
      {
        what: 'readings/s of a backlog, without limits',
        aim: `≥ ${count(AIM_PER_SECOND)}`,
        measured: count(lifted.perSecond),
        met: lifted.perSecond >= AIM_PER_SECOND,
      },
      {
        what: 'a live reading beside a backlog, p99',
        aim: `< ${count(AIM_LIVE_MS)} ms`,
        measured: ms(p99),
        met: p99 < AIM_LIVE_MS,
      },
      {
        what: 'memory that the daemon grows by while it drains a backlog, within the limits',
        aim: `≤ ${megabytes(AIM_GROWTH_BYTES)} MB`,
        measured: `${megabytes(grown)} MB`,
        met: grown <= AIM_GROWTH_BYTES,
      },
      {
        what: 'the same without limits',
        aim: `≤ ${megabytes(AIM_LIFTED_GROWTH_BYTES)} MB`,
        measured: `${megabytes(grownLifted)} MB`,
        met: grownLifted <= AIM_LIFTED_GROWTH_BYTES,
      },
    ],
    tables: [
      {
        title: `${LIVE_PER_SECOND} live readings/s, mosquitto with mutual TLS`,
        rows: [
          ['', 'live, p50', 'p99', 'backlog, readings/s', 'RSS in MB: before', 'most', 'end'],
          ...rows.map(
            ([
              what,
              {
                live: { p50, p99 },
                perSecond,
                rss,
              },
            ]) => [
              what,
              ms(p50),
              ms(p99),
              Number.isNaN(perSecond) ? '' : count(perSecond),
              megabytes(rss.idle),
              megabytes(rss.most),
              megabytes(rss.end),
            ],
          ),
        ],
      },
      {
        title: `${count(outage)} readings taken and acknowledged while the cloud is away, then SIGKILL and a new start`,
        rows: [
          ['', 'lost', 'drained, readings/s'],
          ['the relay', count(killed), 'see above'],
          bridgeRow('mosquitto as a bridge, with persistence', bridge),
          bridgeRow('… with autosave_on_changes, autosave_interval 1', autosave),
        ],
      },
    ],
    notes: [
      'Nothing of the relay’s was missing. (Otherwise the benchmark ends with an error.)',
      'Without limits the daemon grows in the first seconds and stays so: that is the garbage of what was sent. After the next full collection the heap has in use what it had before.',
      'RSS is that of the built daemon, as it is started by `npm start`; “before” is while it stores live readings and its broker is away.',
    ],
    how: [
      'The built daemon with its own link to the cloud, mosquitto with mutual TLS, and two listeners there: one takes the lists, one the live readings, each a program of its own. A live reading counts from being reported by an add-on on the SDK until the listener has it: the embedded broker, one commit with its fsync, the relay, the link, and both ways through mosquitto.',
      `The backlog is stored beforehand: readings of 50 devices, \`{temperature, humidity, battery, linkquality}\`. Within the limits of AWS IoT Core is how the daemon is set when nothing is said, and the run ends after a set time. A live reading that went with the backlog counts too, but not one that was stored while the broker was away.`,
      'The bridge: mosquitto with `persistence true`, QoS 1, an unlimited queue and the same certificates; filled by one client with 50 messages under way, and killed when all were acknowledged. Its rate is from the first to the last arrival; that of the relay from the connection to the last arrival.',
    ],
  };
}

const bridgeRow = (what: string, { lost, acknowledged, perSecond }: BridgeRun): string[] => [
  what,
  count(lost),
  lost === acknowledged ? '' : count(perSecond),
];

export const cloud: Benchmark = { name: 'cloud', run };
