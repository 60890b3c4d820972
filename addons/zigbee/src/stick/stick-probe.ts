/**
 * Asks a coordinator who it is, before the library is let at it: the library takes 20 s to notice that nobody answers,
 * and does not say when it is the wrong language.
 *
 * Z-Stack: TI's "Z-Stack Monitor and Test API", SYS_PING and SYS_VERSION in UNPI frames. EmberZNet: Silicon Labs UG101,
 * "UART-EZSP Gateway Protocol", the RST frame and its RSTACK.
 */
import type { Duplex } from 'node:stream';
import { RadioTrouble, stickMute } from '../network/radio-trouble.ts';
import { closePort, openPort, type PortSettings } from './coordinator-port.ts';

export type AdapterKind = 'zstack' | 'ember';

const ANSWER_DEADLINE_MS = 1_500;
/** A stick that sends without end is not listened to for ever. */
const HEARD_MAX_BYTES = 4_096;

const ZSTACK_PING = Buffer.from('fe00210120', 'hex');
const ZSTACK_VERSION = Buffer.from('fe00210223', 'hex');
/** Cancel, RST, CRC, flag. */
const ASH_RESET = Buffer.from('1ac038bc7e', 'hex');
/** Products of the version answer: Z-Stack 1.2, 3.0.x, 3.x.0. */
const ZSTACK_PRODUCTS = new Set([0, 1, 2]);

/**
 * Resolves when the coordinator speaks what `adapter` says.
 * @throws RadioTrouble stickMute, wrongAdapter, wrongFirmware; the system's error when the port cannot be opened
 */
export async function probeStick(
  settings: PortSettings,
  adapter: AdapterKind,
  signal: AbortSignal,
): Promise<void> {
  const port = await openPort(settings);
  try {
    const ask = (bytes: Buffer, isAnswer: (heard: Buffer) => boolean) =>
      exchange(port, { bytes, isAnswer, signal });
    if (adapter === 'zstack') await probeZStack(settings.path, ask);
    else await probeEmber(settings.path, ask);
  } finally {
    await closePort(port);
  }
}

type Ask = (bytes: Buffer, isAnswer: (heard: Buffer) => boolean) => Promise<Buffer>;

async function probeZStack(path: string, ask: Ask): Promise<void> {
  let heard = await ask(ZSTACK_PING, (bytes) => mtAnswer(bytes, 0x01) !== undefined);
  if (mtAnswer(heard, 0x01) === undefined) {
    const ember = await ask(ASH_RESET, isAshAnswer);
    if (isAshAnswer(ember)) throw wrongAdapter(path, 'zstack', 'EmberZNet', 'ember');
    heard = Buffer.concat([heard, ember]);
    throw heard.length === 0 ? stickMute(path) : unknownLanguage(path, 'Z-Stack');
  }
  const answer = await ask(ZSTACK_VERSION, (bytes) => mtAnswer(bytes, 0x02) !== undefined);
  const version = mtAnswer(answer, 0x02);
  // firmware from before SYS_VERSION is silent here, and can be worked with
  if (version && !ZSTACK_PRODUCTS.has(version[1] ?? 0)) {
    throw new RadioTrouble(
      'wrongFirmware',
      `the stick at ${path} has a Z-Stack firmware that is not for coordinators (product ${version[1]})`,
      'flash a coordinator firmware of Z-Stack 3.x onto it',
    );
  }
}

async function probeEmber(path: string, ask: Ask): Promise<void> {
  const heard = await ask(ASH_RESET, isAshAnswer);
  if (isAshAnswer(heard)) return;
  const ti = await ask(ZSTACK_PING, (bytes) => mtAnswer(bytes, 0x01) !== undefined);
  if (mtAnswer(ti, 0x01) !== undefined) throw wrongAdapter(path, 'ember', 'Z-Stack', 'zstack');
  throw heard.length + ti.length === 0 ? stickMute(path) : unknownLanguage(path, 'EmberZNet');
}

function wrongAdapter(path: string, set: AdapterKind, speaks: string, right: AdapterKind): RadioTrouble {
  return new RadioTrouble(
    'wrongAdapter',
    `the stick at ${path} speaks ${speaks}, but "adapter" is "${set}"`,
    `install the protocol with "adapter": "${right}"`,
  );
}

function unknownLanguage(path: string, expected: string): RadioTrouble {
  return new RadioTrouble(
    'wrongFirmware',
    `something answers at ${path}, but not in ${expected}`,
    'is this the coordinator, and has it a coordinator firmware? A router firmware or a bootloader does this too',
  );
}

/** The data of the SYS answer `command` (0x61) in what was heard; undefined when there is none. */
export function mtAnswer(heard: Buffer, command: number): Buffer | undefined {
  for (let start = heard.indexOf(0xfe); start >= 0; start = heard.indexOf(0xfe, start + 1)) {
    const length = heard[start + 1] ?? 0;
    const end = start + 4 + length;
    if (end >= heard.length || heard[start + 2] !== 0x61 || heard[start + 3] !== command) continue;
    const checksum = heard.subarray(start + 1, end).reduce((sum, byte) => sum ^ byte, 0);
    if (checksum === heard[end]) return heard.subarray(start + 4, end);
  }
  return undefined;
}

/** RSTACK (0xc1) or ERROR (0xc2), version 2, up to the flag byte. */
export function isAshAnswer(heard: Buffer): boolean {
  for (let at = 0; at + 2 < heard.length; at += 1) {
    if ((heard[at] === 0xc1 || heard[at] === 0xc2) && heard[at + 1] === 0x02 && heard.indexOf(0x7e, at) > at)
      return true;
  }
  return false;
}

/** Sends `bytes` and collects what comes until it is an answer, or for the deadline. */
function exchange(
  port: Duplex,
  { bytes, isAnswer, signal }: { bytes: Buffer; isAnswer: (heard: Buffer) => boolean; signal: AbortSignal },
): Promise<Buffer> {
  return new Promise((resolve) => {
    let heard = Buffer.alloc(0);
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      port.off('data', listen);
      port.off('close', finish);
      port.off('error', finish);
      resolve(heard);
    };
    const listen = (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      if (isAnswer(heard) || heard.length > HEARD_MAX_BYTES) finish();
    };
    const timer = setTimeout(finish, ANSWER_DEADLINE_MS);
    signal.addEventListener('abort', finish, { once: true });
    port.on('data', listen);
    port.once('close', finish);
    port.once('error', finish);
    port.write(bytes, () => undefined);
  });
}
