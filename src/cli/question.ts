/** Asks a person on the terminal, and takes Ctrl-C for an answer: the terminal is left as it was. */
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { GatewayError } from '../model/error.ts';

/**
 * @param hidden nothing of what is typed is shown
 * @param signal Ctrl-C that comes as a signal: before the terminal hands over each key
 * @throws GatewayError badSetting when it is called off, or the input ends
 */
export async function answerTo(
  question: string,
  { hidden = false, signal }: { hidden?: boolean; signal: AbortSignal },
): Promise<string> {
  const { stdin, stderr } = process;
  if (hidden) stderr.write(question);
  const nothing = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: hidden ? nothing : stderr, terminal: true });
  const calledOff = new AbortController();
  const given = AbortSignal.any([calledOff.signal, signal]);
  lines.on('SIGINT', () => calledOff.abort());
  lines.on('close', () => calledOff.abort());
  try {
    return await lines.question(hidden ? '' : question, { signal: given });
  } catch (cause) {
    if (!given.aborted) throw cause;
    if (!hidden) stderr.write('\n');
    throw new GatewayError('badSetting', 'called off: nothing was done');
  } finally {
    lines.close();
    if (hidden) stderr.write('\n');
  }
}
