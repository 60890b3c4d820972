/**
 * What a command writes: results on the standard output, what goes on meanwhile on the standard error. Colours and
 * folded lines are for a terminal alone; what a device or an add-on calls itself can send it no commands.
 */
import { styleText } from 'node:util';
import { ProgressLine } from './progress-line.ts';

/** What a colour says: well, not quite, not at all, and what only frames the rest. */
export type Tone = 'good' | 'middling' | 'bad' | 'frame';

export interface Terminal {
  /** A result: text for a person, or JSON where `--json` asks for it. */
  print: (text: string) => void;
  /** What goes on, for a person who waits. Silent with `--json`. */
  say: (text: string) => void;
  /**
   * How far it is (0 to 1), in a line that is overwritten; `undefined` ends it. False where there is no terminal, and
   * nothing was shown.
   */
  progress: (words: string | undefined, fraction?: number) => boolean;
  /** `--json` was given: one JSON value, or one a line where there are many over time. */
  json: () => boolean;
  /** Of the standard output; undefined where it is no terminal: then nothing is folded. */
  columns: () => number | undefined;
  /** The same text where colours are off: `NO_COLOR`, or no terminal. */
  paint: (text: string, tone: Tone) => string;
  /** Aborts when the person ends the command. */
  signal: AbortSignal;
}

const COLOURS = { good: 'green', middling: 'yellow', bad: 'red', frame: 'bold' } as const;
/** Narrower than this a line is not folded any more. */
const COLUMNS_MIN = 20;

export function processTerminal({ json, signal }: { json: () => boolean; signal: AbortSignal }): Terminal {
  const { stdout, stderr } = process;
  const line = new ProgressLine(stderr);
  return {
    print: (text) => {
      line.clear();
      stdout.write(`${json() ? text : harmless(text)}\n`);
      line.show();
    },
    say: (text) => {
      if (json()) return;
      line.clear();
      stderr.write(`${harmless(text)}\n`);
      line.show();
    },
    progress: (words, fraction) => !json() && line.set(words, fraction),
    json,
    columns: () => (stdout.isTTY ? Math.max(stdout.columns || 80, COLUMNS_MIN) : undefined),
    // it looks at NO_COLOR, TERM and whether this is a terminal
    paint: (text, tone) => styleText(COLOURS[tone], text, { stream: stdout }),
    signal,
  };
}

/** Control characters, so that they are seen; colours are our own, and would do no harm. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replaceAll(/\x1b\[[\d;]{0,8}m|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (found) =>
    found.length > 1 ? found : `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** A result in the form that was asked for. */
export function show(terminal: Terminal, value: unknown, text: () => string): void {
  terminal.print(terminal.json() ? JSON.stringify(value) : text());
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
