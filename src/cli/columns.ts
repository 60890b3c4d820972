/** Text in columns, folded to the width of the terminal; as long as it is where there is none. */
import type { Terminal, Tone } from './terminal.ts';

/** What stands in one place of a table. */
export type Cell = string | { text: string; tone: Tone | undefined };
type Page = Pick<Terminal, 'columns' | 'paint'>;

const GAP = 2;
/** The last column is folded beside the others only where so much is left for it. */
const LAST_MIN_CHARS = 16;

/**
 * Columns as wide as they have to be, the last one folded. On a terminal that is too narrow each row stands as lines of
 * their own, by its first cell and then `HEAD  value`.
 */
export function table(page: Page, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const columns = page.columns();
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column]).length)),
  );
  const before = widths.slice(0, -1).reduce((total, width) => total + width + GAP, 0);
  const fits = columns === undefined || before + (widths.at(-1) ?? 0) <= columns;
  if (!fits && columns - before < LAST_MIN_CHARS) return blocks(page, head, rows);
  const lastWidth = fits || columns === undefined ? undefined : columns - before;
  const line = (row: readonly Cell[]) => {
    const front = widths
      .slice(0, -1)
      .map(
        (width, column) => painted(page, row[column], textOf(row[column]).padEnd(width)) + ' '.repeat(GAP),
      );
    const [first = '', ...more] = folded(textOf(row[widths.length - 1]), lastWidth);
    return [
      `${front.join('')}${painted(page, row[widths.length - 1], first)}`.trimEnd(),
      ...more.map((text) => ' '.repeat(before) + text),
    ].join('\n');
  };
  return [line(head.map((text) => ({ text, tone: 'frame' as const }))), ...rows.map(line)].join('\n');
}

function blocks(page: Page, head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const label = Math.max(...head.slice(1).map(({ length }) => length)) + GAP;
  const lines = rows.map((row) => [
    page.paint(textOf(row[0]), 'frame'),
    ...head.slice(1).flatMap((title, index) => {
      const cell = row[index + 1];
      if (textOf(cell) === '') return [];
      return hanging(page, `  ${title.padEnd(label)}`, cell ?? '');
    }),
  ]);
  return lines.map((block) => block.join('\n')).join('\n');
}

/** `lead`, and behind it text that is folded below itself. */
export function hanging(page: Page, lead: string, cell: Cell): string {
  const columns = page.columns();
  const indent = columns !== undefined && columns - lead.length < LAST_MIN_CHARS ? 4 : lead.length;
  const room = columns === undefined ? undefined : columns - Math.max(indent, lead.length);
  const [first = '', ...more] = folded(textOf(cell), room);
  return [lead + painted(page, cell, first), ...more.map((text) => ' '.repeat(indent) + text)]
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Between words where it can be; a word that is longer than the line is cut. */
export function folded(text: string, width: number | undefined): string[] {
  if (width === undefined || text.length <= width) return [text];
  const room = Math.max(1, width);
  const lines: string[] = [];
  let rest = text;
  while (rest.length > room) {
    const space = rest.lastIndexOf(' ', room);
    const at = space > 0 ? space : room;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'object' ? cell.text : (cell ?? '');
}

function painted(page: Page, cell: Cell | undefined, text: string): string {
  const tone = typeof cell === 'object' ? cell.tone : undefined;
  return tone === undefined || text.trim() === '' ? text : page.paint(text, tone);
}
