/**
 * What a release is signed with: Ed25519. `GATE_SIGNING_KEY` names the file of the private key (PEM, PKCS#8, as
 * `openssl genpkey -algorithm ed25519` makes it). Without it a development key is made, once for a folder, and the
 * release says so.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SigningKey {
  /** Signs those exact bytes: 64 bytes. The same key and bytes give the same signature. */
  sign: (bytes: Buffer) => Buffer;
  /** PEM, SubjectPublicKeyInfo. */
  publicPem: string;
  /** Made here, by nobody who would vouch for it. */
  development: boolean;
}

/** @throws Error when the file holds no such key */
export function signingKey(outFolder: string, file = process.env['GATE_SIGNING_KEY']): SigningKey {
  const path = file || developmentKeyFile(outFolder);
  const key = readKey(path);
  return {
    sign: (bytes) => sign(null, bytes, key),
    publicPem: String(createPublicKey(key).export({ type: 'spki', format: 'pem' })),
    development: !file,
  };
}

function readKey(path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(path));
  } catch (error) {
    throw new Error(`GATE_SIGNING_KEY: ${path} holds no private key: ${(error as Error).message}`);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`GATE_SIGNING_KEY: ${path} is a key of type ${key.asymmetricKeyType}, not ed25519`);
}

function developmentKeyFile(outFolder: string): string {
  const path = join(outFolder, 'development-key.pem');
  if (existsSync(path)) return path;
  mkdirSync(outFolder, { recursive: true });
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return path;
}
