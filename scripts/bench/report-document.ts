/**
 * `docs/benchmarks.md`: one part for each benchmark. A run of some benchmarks replaces their parts and leaves the
 * others as they are.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Section, Table } from './benchmark.ts';
import { thisMachine } from './machine.ts';

const FILE = 'docs/benchmarks.md';

/** A Markdown table in columns, as a terminal shows it too. */
export function tableText({ title, rows }: Table): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = cells.map(
    (row) => `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`,
  );
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  return `${title}\n\n${lines.join('\n')}`;
}

export function aimsTable({ aims }: Section): Table {
  return {
    title: 'Aims',
    rows: [
      ['', 'aim', 'measured', ''],
      ...aims.map(({ what, aim, measured, met }) => [what, aim, measured, met ? 'met' : '**missed**']),
    ],
  };
}

/** What is measured, as the terminal shows it and the document holds it. */
export function sectionText(section: Section, occasion: string): string {
  const list = (lines: string[]) => lines.map((line) => `- ${line}`).join('\n');
  const aims = section.aims.length > 0 ? [aimsTable(section)] : [];
  return [
    `## ${section.title}`,
    occasion,
    ...[...aims, ...section.tables].map(tableText),
    list(section.notes),
    `How it is measured:`,
    list(section.how),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function intro(names: readonly string[], date: string): string {
  const { cpu, cores, node, kernel, fileSystem } = thisMachine();
  return `# Benchmarks

Measured, not promised: \`npm run bench\` writes this page. It builds what is packaged and runs it as it is shipped;
single benchmarks: \`npm run bench -- ${names.filter((name) => name !== 'peers').join(' ')}\`, a quick look: \`npm run bench -- --short\`. \`npm run bench:peers\`
writes the first table, gate beside what one would run instead. Each figure stands beside a raw limit measured in the same run on the same machine, and the ratio between them is what travels to other machines.

${tableText({
  title: `The machine of the latest run, ${date}`,
  rows: [
    ['processor', 'cores', 'Node', 'kernel', 'file system of the data folder'],
    [cpu, String(cores), node, kernel, fileSystem],
  ],
})}`;
}

const marker = (name: string) => `<!-- ${name} -->`;

export class ReportDocument {
  readonly #names: readonly string[];
  readonly #parts = new Map<string, string>();

  /** `names` of all benchmarks, in the order of the document. */
  constructor(names: readonly string[]) {
    this.#names = names;
    const text = existsSync(FILE) ? readFileSync(FILE, 'utf8') : '';
    for (const [, name = '', part = ''] of text.matchAll(/<!-- (\w+) -->\n([\s\S]*?)(?=\n<!-- |$)/g))
      this.#parts.set(name, part.trim());
  }

  put(name: string, text: string): void {
    this.#parts.set(name, text);
    const parts = this.#names.flatMap((each) => {
      const part = this.#parts.get(each);
      return part === undefined ? [] : [`${marker(each)}\n\n${part}`];
    });
    const date = new Date().toISOString().slice(0, 10);
    writeFileSync(FILE, `${[intro(this.#names, date), ...parts].join('\n\n')}\n`);
  }
}
