/**
 * `docs/faults.md`: what the last run of each scenario came to. A run of some scenarios replaces their rows and leaves
 * the others as they are; the short and the long form have rows of their own.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tableText } from '../bench/report-document.ts';
import type { Scenario } from './scenario.ts';

export const FILE = 'docs/faults.md';
const HEAD = ['scenario', 'form', 'faults', 'what was counted', 'result', 'seed', 'date', 'time'];
const RESULTS = 'Last results';

export interface FaultResult {
  scenario: string;
  form: 'short' | 'long';
  faults: number;
  /** How many the form has, where that is known beforehand. */
  planned?: number | undefined;
  counted: string;
  result: string;
  seed: number;
  /** YYYY-MM-DD */
  date: string;
  seconds: number;
}

/** The page of these scenarios, with `results` in place of their older rows in `before`. */
export function faultDocument(
  scenarios: readonly Scenario[],
  results: readonly FaultResult[],
  before = '',
): string {
  const rows = new Map(oldRows(before).map((row) => [keyOf(row), row]));
  for (const result of results) {
    const { scenario, form, faults, planned = faults, counted, seed, date, seconds } = result;
    const made = faults < planned ? `${faults} of ${planned}` : String(faults);
    const row = [scenario, form, made, counted, result.result, String(seed), date, `${seconds} s`];
    rows.set(keyOf(row), row);
  }
  const known = scenarios
    .flatMap(({ name }) => [rows.get(`${name} short`), rows.get(`${name} long`)])
    .filter((row) => row !== undefined);
  return `# Faults

What the gateway is put through, and what must hold all the same. \`npm run faults\` runs it against what is packaged
(\`dist/\`), with real add-ons and real peers, and writes this page; it talks to nothing but loopback and network
namespaces of its own. One scenario: \`npm run faults -- --only NAME\`; the long form, which takes more than a day:
\`--long\`, or \`--long --minutes N\`, where each scenario begins no further fault after that time, and its row says how
many of how many it came to; the same faults again: \`--seed N\`. A failure ends with the seed, and with an exit code
other than 0. How long starts took is held against the aim where nothing else of the suite was at work; what was
measured beside others (\`--at-once\`) is told apart.

Elsewhere: \`kill -9\` of gate before and after each call that it makes to a container engine, in
\`test/e2e/containers/crashes.ts\`; an update under systemd, its power cut too, in \`test/e2e/packaging/machine.test.ts\`.

${tableText({
  title: 'Scenarios',
  rows: [
    ['scenario', 'what is broken', 'what must hold'],
    ...scenarios.map(({ name, breaks, holds }) => [name, breaks, holds]),
  ],
})}

${tableText({ title: RESULTS, rows: [HEAD, ...known] })}
`;
}

export function writeFaultDocument(scenarios: readonly Scenario[], results: readonly FaultResult[]): void {
  const before = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
  writeFileSync(FILE, faultDocument(scenarios, results, before));
}

const keyOf = (row: readonly string[]) => `${row[0]} ${row[1]}`;

function oldRows(text: string): string[][] {
  const [, results = ''] = text.split(`\n${RESULTS}\n`);
  return results
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}
