/** A passphrase, asked for on the terminal without showing it, or read where a program has it. */
import { readFileSync } from 'node:fs';
import { GatewayError } from '../model/error.ts';
import { answerTo } from './question.ts';

/** Where it is not asked for. */
const VARIABLE = 'GATE_BACKUP_PASSPHRASE';

export interface PassphraseSource {
  /** `--passphrase-file`; `-` is the standard input. */
  file?: string | undefined;
  environment: Record<string, string | undefined>;
  /** Asked twice: a slip could not be mended later. */
  isNew: boolean;
  /** Ends the question. */
  signal: AbortSignal;
}

/** @throws GatewayError badSetting */
export async function passphraseFrom({
  file,
  environment,
  isNew,
  signal,
}: PassphraseSource): Promise<string> {
  if (file !== undefined) return firstLine(file);
  const given = environment[VARIABLE];
  if (given) return given;
  if (!process.stdin.isTTY) {
    throw new GatewayError('badSetting', 'no passphrase was given, and there is no terminal to ask on', {
      hint: `name a file with --passphrase-file, or set ${VARIABLE}; or encrypt to a --recipient`,
    });
  }
  const typed = await answerTo('passphrase: ', { hidden: true, signal });
  if (isNew && (await answerTo('once more: ', { hidden: true, signal })) !== typed) {
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
