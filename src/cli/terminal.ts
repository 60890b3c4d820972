/** What a command writes: results on the standard output, what goes on meanwhile on the standard error. */

export interface Terminal {
  /** A result: text for a person, or JSON where `--json` asks for it. */
  print: (text: string) => void;
  /** What goes on, for a person who waits. Silent with `--json`. */
  say: (text: string) => void;
  /** `--json` was given: one JSON value, or one a line where there are many over time. */
  json: () => boolean;
  /** Aborts when the person ends the command. */
  signal: AbortSignal;
}

/** A result in the form that was asked for. */
export function show(terminal: Terminal, value: unknown, text: () => string): void {
  terminal.print(terminal.json() ? JSON.stringify(value) : text());
}

/** Columns as wide as they have to be. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => cell(row, column).length)));
  return [head, ...rows]
    .map((row) =>
      widths
        .map((width, column) => cell(row, column).padEnd(width))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(row: readonly string[], column: number): string {
  return row[column] ?? '';
}

const STEPS: readonly [seconds: number, unit: string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
  [1, 's'],
];

/** `3 min`, `2 d`; the largest unit alone. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [size, unit] = STEPS.find(([each]) => seconds >= each) ?? [1, 's'];
  return `${Math.floor(seconds / size)} ${unit}`;
}
