/**
 * The credentials folder as the cloud hands it out: `certificate.pem`, `private.key`, and the authority of the endpoint
 * (`awsRootCA1.pem`, `ca.pem`; Node's own authorities where there is neither). What is wrong with it is named. The key
 * is in no error and no log.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { timesOf } from '../lib/certificate-times.ts';
import { GatewayError } from '../model/error.ts';
import type { Keys } from './mqtt-wire.ts';

export const CERTIFICATE_FILE = 'certificate.pem';
export const KEY_FILE = 'private.key';
const AUTHORITY_FILES = ['awsRootCA1.pem', 'ca.pem'];
/** A chain has some 10 KB. */
const FILE_MAX_BYTES = 1024 * 1024;
const READABLE_BY_ALL = 0o004;

export interface Credentials extends Keys {
  /** Milliseconds since 1970. */
  validFrom: number;
  expiresAt: number;
  /** SHA-256 as openssl prints it. */
  fingerprint: string;
  /** What is wrong and does not keep the gateway from connecting. */
  warning?: string;
}

/** @throws GatewayError badSetting naming the file and what is wrong with it */
export async function readCredentials(folder: string): Promise<Credentials> {
  const keyPath = join(folder, KEY_FILE);
  const certificate = await readBounded(join(folder, CERTIFICATE_FILE));
  const key = await readBounded(keyPath);
  const authorities = await readAuthorities(folder);
  const facts = checkPair({ certificate, key, folder });
  const { mode } = await stat(keyPath);
  const warning =
    mode & READABLE_BY_ALL
      ? `${keyPath} can be read by every user of this box: chmod 600 ${keyPath}`
      : undefined;
  return {
    certificate,
    key,
    ...(authorities === undefined ? {} : { authorities }),
    ...facts,
    ...(warning === undefined ? {} : { warning }),
  };
}

/** @throws GatewayError badSetting: one is none, or they do not belong together */
export function checkPair({
  certificate,
  key,
  folder,
}: {
  certificate: string;
  key: string;
  folder: string;
}): Pick<Credentials, 'validFrom' | 'expiresAt' | 'fingerprint'> {
  const certificatePath = join(folder, CERTIFICATE_FILE);
  const keyPath = join(folder, KEY_FILE);
  const parsed = parsedCertificate(certificate, certificatePath);
  if (!parsed.checkPrivateKey(parsedKey(key, keyPath))) {
    throw bad(`${keyPath} is not the private key of ${certificatePath}`, 'put both of one download there');
  }
  const times = timesOf(parsed);
  if (!times) {
    throw bad(
      `${certificatePath} does not say when it is valid`,
      'put the file from the cloud in its place again',
    );
  }
  return { ...times, fingerprint: parsed.fingerprint256 };
}

/** Changes when a file of the folder does; cheap. */
export async function credentialsStamp(folder: string): Promise<string> {
  const stamps = await Promise.all(
    [CERTIFICATE_FILE, KEY_FILE, ...AUTHORITY_FILES].map((name) =>
      stat(join(folder, name)).then(
        ({ ino, size, mtimeMs, mode }) => `${ino} ${size} ${mtimeMs} ${mode}`,
        () => '-',
      ),
    ),
  );
  return stamps.join(',');
}

async function readAuthorities(folder: string): Promise<string | undefined> {
  const texts: string[] = [];
  for (const name of AUTHORITY_FILES) {
    const path = join(folder, name);
    const text = await readBounded(path).catch((error: GatewayError) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (text === undefined) continue;
    parsedCertificate(text, path);
    texts.push(text);
  }
  return texts.length === 0 ? undefined : texts.join('\n');
}

async function readBounded(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const stats = await file.stat();
    if (!stats.isFile()) throw new Error('it is not a file');
    if (stats.size > FILE_MAX_BYTES) throw new Error(`it has more than ${FILE_MAX_BYTES} bytes`);
    return await file.readFile('utf8');
  } catch (cause) {
    const words = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is missing' : 'cannot be read';
    const detail = words === 'is missing' ? '' : `: ${(cause as Error).message}`;
    throw new GatewayError('badSetting', `${path} ${words}${detail}`, {
      hint: 'put the whole credentials folder there, as the cloud hands it out',
      cause,
    });
  }
}

function isMissing({ cause }: GatewayError): boolean {
  return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}

function parsedCertificate(text: string, path: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw bad(`${path} holds no certificate in PEM form`, 'download the credentials again', cause);
  }
}

function parsedKey(text: string, path: string): KeyObject {
  if (/ENCRYPTED/.test(text))
    throw bad(`${path} is encrypted`, 'it must be a private key without a passphrase');
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw bad(`${path} holds no private key in PEM form`, 'download the credentials again', cause);
  }
}

function bad(message: string, hint: string, cause?: unknown): GatewayError {
  return new GatewayError('badSetting', message, { hint, cause });
}
