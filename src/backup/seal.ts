/**
 * A backup's encryption: the age format (age-encryption.org/v1), so that a file can be opened without gate too. To a
 * passphrase, or to the recipient `age1…` whose identity `AGE-SECRET-KEY-1…` lies elsewhere.
 */
import type { Readable } from 'node:stream';
import { Readable as NodeReadable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { Decrypter, Encrypter } from 'age-encryption';
import { GatewayError } from '../model/error.ts';

export type Seal = { passphrase: string } | { recipient: string };
export type Key = { passphrase: string } | { identity: string };

export const PASSPHRASE_MIN_CHARS = 12;
/** Memory of 128 bytes × 8 × 2^n: 64 MB, which a small box has; half a second on it for each guess. */
const SCRYPT_WORK_FACTOR = 16;

/** @throws GatewayError badRequest */
export async function sealed(plain: Readable, seal: Seal): Promise<Readable> {
  const encrypter = new Encrypter();
  try {
    if ('passphrase' in seal) {
      if (seal.passphrase.length < PASSPHRASE_MIN_CHARS) {
        throw new GatewayError(
          'badRequest',
          `the passphrase must have at least ${PASSPHRASE_MIN_CHARS} characters`,
        );
      }
      encrypter.setPassphrase(seal.passphrase);
      encrypter.setScryptWorkFactor(SCRYPT_WORK_FACTOR);
    } else encrypter.addRecipient(seal.recipient);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError('badRequest', `this is no recipient of age: ${(cause as Error).message}`, {
      hint: 'it begins with age1; "age-keygen" makes one',
      cause,
    });
  }
  return nodeStream(await encrypter.encrypt(webStream(plain)));
}

/** @throws GatewayError badRequest when it is no backup, or the key is not the right one */
export async function opened(cipher: Readable, key: Key): Promise<Readable> {
  const decrypter = new Decrypter();
  try {
    if ('passphrase' in key) decrypter.addPassphrase(key.passphrase);
    else decrypter.addIdentity(key.identity);
  } catch (cause) {
    // the error may hold what was given, which is a secret
    throw new GatewayError('badRequest', 'this is no identity of age', {
      hint: 'its line begins with AGE-SECRET-KEY-1',
      cause: (cause as Error).name,
    });
  }
  try {
    return nodeStream(await decrypter.decrypt(webStream(cipher)));
  } catch (cause) {
    const wrongKey = /no identity matched|passphrase/i.test((cause as Error).message);
    throw new GatewayError(
      'badRequest',
      wrongKey
        ? `the ${'passphrase' in key ? 'passphrase' : 'identity'} is not that of this backup`
        : `this is no backup of gate, or it is damaged: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function webStream(stream: Readable): globalThis.ReadableStream<Uint8Array> {
  return NodeReadable.toWeb(stream) as unknown as globalThis.ReadableStream<Uint8Array>;
}

function nodeStream(stream: globalThis.ReadableStream<Uint8Array>): Readable {
  return NodeReadable.fromWeb(stream as unknown as ReadableStream<Uint8Array>);
}
