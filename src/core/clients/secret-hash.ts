/**
 * Secrets of clients: made at random, kept as a scrypt hash, compared in constant time.
 *
 * A secret has 256 random bits, so nobody finds it by trying, whatever one try costs. scrypt is there for the day
 * a record leaks; one hash takes 4 MiB, and only one is made at a time.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { QueueFullError, SerialQueue } from '../../lib/serial-queue.ts';
import type { SecretHash } from '../../model/client.ts';
import { GatewayError } from '../../model/error.ts';

const SECRET_BYTES = 32;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
/** RFC 7914, 2: 128 * N * r bytes of memory. */
const PARAMETERS = { N: 4_096, r: 8, p: 1 };
/** Hashes that wait for their turn; past it callers are refused with 429. */
const WAITING_MAX = 32;

export class SecretHasher {
  readonly #queue = new SerialQueue(WAITING_MAX);
  /** What a secret for nobody is compared with: it costs the same as any other. */
  readonly #decoy: SecretHash = {
    ...PARAMETERS,
    salt: randomBytes(SALT_BYTES).toString('base64url'),
    hash: randomBytes(HASH_BYTES).toString('base64url'),
  };

  /** A new secret, in base64url. */
  newSecret(): string {
    return randomBytes(SECRET_BYTES).toString('base64url');
  }

  /** @throws GatewayError tooManyRequests */
  async hash(secret: string): Promise<SecretHash> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#inTurn(() => derive(secret, salt, PARAMETERS));
    return { ...PARAMETERS, salt: salt.toString('base64url'), hash: hash.toString('base64url') };
  }

  /** Whether `secret` has this hash; false, after the same work, where there is none. @throws GatewayError tooManyRequests */
  async matches(secret: string, kept: SecretHash | undefined): Promise<boolean> {
    const { N, r, p, salt, hash } = kept ?? this.#decoy;
    const parameters = { N, r, p };
    const derived = await this.#inTurn(() => derive(secret, Buffer.from(salt, 'base64url'), parameters));
    const expected = Buffer.from(hash, 'base64url');
    const same = expected.length === derived.length && timingSafeEqual(expected, derived);
    return same && kept !== undefined;
  }

  #inTurn(make: () => Promise<Buffer>): Promise<Buffer> {
    return this.#queue.run(make).catch((cause: unknown) => {
      if (!(cause instanceof QueueFullError)) throw cause;
      throw new GatewayError('tooManyRequests', 'too many log-ins wait already', { cause });
    });
  }
}

function derive(secret: string, salt: Buffer, parameters: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, HASH_BYTES, parameters, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
