/**
 * `npm run bench:peers [-- names… --rounds N --short --no-build]`: gate beside what one would run instead of it, each
 * comparison in several rounds with the sides in turn; writes one table into `docs/benchmarks.md`. Everything it starts
 * ends and everything it writes (below TMPDIR) goes, also on Ctrl-C. Fails when readings were lost, never for being slow.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Section } from './bench/benchmark.ts';
import { chosenOf, Interruptible } from './bench/interruptible.ts';
import { PARTS, PEERS_PART } from './bench/parts.ts';
import { type Compared, type Contest, compared, HEAD, type Round, rowOf } from './bench/peers/contest.ts';
import { CONTESTS } from './bench/peers/contests.ts';
import { ReportDocument, sectionText } from './bench/report-document.ts';

const ROUNDS = 3;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: String(ROUNDS) },
    short: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
  },
});
const chosen = chosenOf('comparison', CONTESTS, positionals);
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error(`--rounds ${values.rounds}: a whole number from 1`);
  process.exit(2);
}

if (!values['no-build']) {
  const { status } = spawnSync('npm', ['run', 'build'], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const interruptible = new Interruptible();

function run(contest: Contest): Promise<Compared[]> {
  const say = (line: string) => console.log(`${contest.name}: ${line}`);
  return interruptible.within(async (scope) => {
    const done: Round[] = [];
    const round = await contest.prepare({ scope, short: values.short, say });
    for (let nth = 0; nth < rounds; nth += 1) {
      say(`round ${nth + 1} of ${rounds}`);
      done.push(await round(nth));
    }
    return compared(contest, done);
  });
}

const reasons = (all: readonly Compared[]): string[] => {
  const behind = all.filter((each) => each.behind);
  const whys = [...new Set(behind.map(({ figure }) => figure.why ?? 'the reason is not known'))];
  return whys.map((why) => {
    const figures = behind.filter(({ figure }) => (figure.why ?? 'the reason is not known') === why);
    return `Behind in ${figures.map(({ figure, peer }) => `${figure.name} (${peer})`).join('; ')}: ${why}.`;
  });
};

const startedAt = performance.now();
const load = (loadavg()[0] ?? 0).toFixed(1);
const results: { contest: Contest; rows: Compared[] }[] = [];
for (const contest of chosen) {
  try {
    results.push({ contest, rows: await run(contest) });
  } catch (error) {
    console.error(`${contest.name}:`, error);
    process.exitCode = 1;
  }
}

const minutes = ((performance.now() - startedAt) / 60_000).toFixed(0);
const section: Section = {
  title: 'Side by side: gate and what one would run instead',
  aims: [],
  tables: [
    {
      title: 'Median of the rounds, and in parentheses the least and the most',
      rows: [
        HEAD,
        ...results.flatMap(({ contest, rows }) => [
          [`**${contest.title}**`, '', '', '', '', ''],
          ...rows.map(rowOf),
        ]),
      ],
    },
  ],
  notes: reasons(results.flatMap(({ rows }) => rows)),
  how: [
    `\`npm run bench:peers\`: ${rounds} rounds of each comparison; within a round the sides run one after the other, in another order in the next.`,
    ...results.flatMap(({ contest }) => contest.how.map((line) => `${contest.title}. ${line}`)),
  ],
};
const kind = values.short ? '**Short run**: a quick look, whose figures say less' : 'Full run';
const date = new Date().toISOString().slice(0, 10);
const text = sectionText(section, `${kind}, ${date}, ${minutes} min, begun at a load average of ${load}.`);
console.log(`\n${text}\n`);
// a comparison that failed, or was left out, would be missing in the one table
if (chosen.length === CONTESTS.length && process.exitCode === undefined)
  new ReportDocument(PARTS).put(PEERS_PART, text);
