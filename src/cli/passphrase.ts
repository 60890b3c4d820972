/** A passphrase, asked for on the terminal without showing it, or read where a program has it. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { GatewayError } from '../model/error.ts';

/** Where it is not asked for. */
const VARIABLE = 'GATE_BACKUP_PASSPHRASE';

export interface PassphraseSource {
  /** `--passphrase-file`; `-` is the standard input. */
  file?: string | undefined;
  environment: Record<string, string | undefined>;
  /** Asked twice: a slip could not be mended later. */
  isNew: boolean;
}

/** @throws GatewayError badSetting */
export async function passphraseFrom({ file, environment, isNew }: PassphraseSource): Promise<string> {
  if (file !== undefined) return firstLine(file);
  const given = environment[VARIABLE];
  if (given) return given;
  if (!process.stdin.isTTY) {
    throw new GatewayError('badSetting', 'no passphrase was given, and there is no terminal to ask on', {
      hint: `name a file with --passphrase-file, or set ${VARIABLE}; or encrypt to a --recipient`,
    });
  }
  const typed = await asked('passphrase: ');
  if (isNew && (await asked('once more: ')) !== typed) {
    throw new GatewayError('badSetting', 'these were two different passphrases');
  }
  return typed;
}

function firstLine(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').split(/\r?\n/, 1)[0] as string;
  } catch (cause) {
    throw new GatewayError('badSetting', `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

/** The terminal shows the question, and nothing of what is typed. */
async function asked(question: string): Promise<string> {
  process.stderr.write(question);
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nothing, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
