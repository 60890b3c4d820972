/**
 * `npm run bench [-- names… --short]`: builds what is packaged, runs the benchmarks one after the other, shows their
 * tables and writes them into `docs/benchmarks.md`. `--no-build` takes the tree as it is. Everything they start ends
 * and everything they write (below TMPDIR) goes, also on Ctrl-C. Fails when readings were lost, never for being slow.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { chosenOf, Interruptible } from './bench/interruptible.ts';
import { BENCHMARKS, PARTS } from './bench/parts.ts';
import { ReportDocument, sectionText } from './bench/report-document.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, 'no-build': { type: 'boolean', default: false } },
});
const chosen = chosenOf('benchmark', BENCHMARKS, positionals);

if (!values['no-build']) {
  const { status } = spawnSync('npm', ['run', 'build'], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

const interruptible = new Interruptible();
const document = new ReportDocument(PARTS);
for (const benchmark of chosen) {
  const { name, run } = benchmark;
  const startedAt = performance.now();
  // what else the machine is busy with: 0 is a quiet one
  const load = (loadavg()[0] ?? 0).toFixed(1);
  try {
    const say = (line: string) => console.log(`${name}: ${line}`);
    const section = await interruptible.within((scope) => run({ scope, short: values.short, say }));
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    const kind = values.short ? '**Short run**: a quick look, whose figures say less' : 'Full run';
    const text = sectionText(
      section,
      `${kind}, ${new Date().toISOString().slice(0, 10)}, ${minutes} min, begun at a load average of ${load}.`,
    );
    console.log(`\n${text}\n`);
    document.put(name, text);
  } catch (error) {
    console.error(`${name}:`, error);
    process.exitCode = 1;
  }
}
