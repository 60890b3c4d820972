/**
 * Is a release what its maker signed? Two forms: the archive with its checksum and signature beside, and the unpacked
 * folder with its manifest. Both are Ed25519 over a list of SHA-256 checksums (docs/contracts.md, "Archive").
 */
import { createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { versionSchema } from './forms.ts';
import { contentOf, sha256Of } from './release-content.ts';

export const MANIFEST = 'manifest.json';
export const MANIFEST_SIGNATURE = 'manifest.json.sig';
const ED25519_SIGNATURE_BYTES = 64;
/** Of the small files beside an archive, and of a key. */
export const SMALL_FILE_MAX_BYTES = 4_096;
const MANIFEST_MAX_BYTES = 16 * 1024 * 1024;
const RELEASE_NAME = /^gate-(.+)-linux-(x64|arm64)$/;

const manifestSchema = v.object({
  name: v.literal('gate'),
  version: versionSchema,
  os: v.literal('linux'),
  arch: v.picklist(['x64', 'arm64']),
  commit: v.string(),
  date: v.string(),
  node: v.string(),
  /** Version of the store's schema. */
  store: v.pipe(v.number(), v.integer()),
  development: v.boolean(),
  files: v.record(v.string(), v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  links: v.record(v.string(), v.string()),
});
export type ReleaseManifest = v.InferOutput<typeof manifestSchema>;

/** The public keys in a file, or in the `*.pem` of a folder. @throws GatewayError where there is none */
export function trustedKeys(path: string): string[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith('.pem'))
        .map((name) => join(path, name))
    : [path];
  // one that is damaged shall not take the others with it
  const keys = files.map(keyIn).filter((key) => key !== undefined);
  if (keys.length > 0) return keys;
  throw new GatewayError('forbidden', `${path} has no key that a release could be trusted by`, {
    hint: 'run install.sh of the release that is installed again: it puts damaged files in place anew',
  });
}

function keyIn(file: string): string | undefined {
  try {
    const pem = smallFile(file).toString();
    // another kind of key would be another algorithm
    return createPublicKey(pem).asymmetricKeyType === 'ed25519' ? pem : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Reads the whole archive once.
 * @returns version and architecture as its name has them: the signature holds for the name too
 * @throws GatewayError badRequest (damaged, incomplete), forbidden (not signed by one of the keys)
 */
export async function checkArchive(
  archive: string,
  keys: readonly string[],
): Promise<{ version: string; arch: string; name: string }> {
  const checksum = smallFile(`${archive}.sha256`);
  demandSigned(checksum, smallFile(`${archive}.sig`), { keys, what: basename(archive) });
  const [, expected, name = ''] =
    /^([0-9a-f]{64}) [ *]([\w.-]+)\.tar\.gz\n?$/.exec(checksum.toString()) ?? [];
  const [, version, arch] = RELEASE_NAME.exec(name) ?? [];
  if (expected === undefined || !v.is(versionSchema, version) || arch === undefined)
    throw new GatewayError('badRequest', `${basename(archive)}.sha256 is no checksum of a release of gate`);
  if ((await sha256Of(archive)) === expected) return { version, arch, name };
  throw new GatewayError('badRequest', `${basename(archive)} is damaged: its checksum is another`, {
    hint: 'get it again',
  });
}

/**
 * Every file of an unpacked release, and that there are no others.
 * @throws GatewayError badRequest, forbidden
 */
export async function checkRelease(folder: string, keys: readonly string[]): Promise<ReleaseManifest> {
  const manifest = readManifest(folder, keys);
  const found = await contentOf(folder);
  delete found.files[MANIFEST];
  delete found.files[MANIFEST_SIGNATURE];
  for (const kind of ['files', 'links'] as const) {
    const [listed, there] = [manifest[kind], found[kind]];
    const wrong = Object.keys(there).find(
      (path) => !Object.hasOwn(listed, path) || listed[path] !== there[path],
    );
    if (wrong !== undefined) throw new GatewayError('badRequest', `${wrong} is not as the release has it`);
    const missing = Object.keys(listed).find((path) => !Object.hasOwn(there, path));
    if (missing !== undefined) throw new GatewayError('badRequest', `${missing} of the release is missing`);
  }
  return manifest;
}

/** @param keys where they are given, it is signed by one of them @throws GatewayError badRequest, forbidden */
export function readManifest(folder: string, keys?: readonly string[]): ReleaseManifest {
  const path = join(folder, MANIFEST);
  const text = boundedFile(path, MANIFEST_MAX_BYTES);
  if (keys) demandSigned(text, smallFile(join(folder, MANIFEST_SIGNATURE)), { keys, what: path });
  try {
    return v.parse(manifestSchema, JSON.parse(text.toString()));
  } catch (cause) {
    throw new GatewayError('badRequest', `${path} is no manifest of a release of gate`, { cause });
  }
}

function demandSigned(
  bytes: Buffer,
  signature: Buffer,
  { keys, what }: { keys: readonly string[]; what: string },
): void {
  const signed =
    signature.length === ED25519_SIGNATURE_BYTES &&
    keys.some((pem) => verify(null, bytes, createPublicKey(pem), signature));
  if (signed) return;
  throw new GatewayError('forbidden', `${what} is not signed by a key that this gateway trusts`, {
    hint: 'get it from where the release before came from',
  });
}

function smallFile(path: string): Buffer {
  return boundedFile(path, SMALL_FILE_MAX_BYTES);
}

function boundedFile(path: string, maxBytes: number): Buffer {
  let bytes: Buffer;
  try {
    if (statSync(path).size > maxBytes) throw new Error('it is too large');
    bytes = readFileSync(path);
  } catch (cause) {
    throw new GatewayError('badRequest', `${path} cannot be read: ${(cause as Error).message}`, {
      hint: 'a release is its .tar.gz, with its .sha256 and its .sig beside it',
      cause,
    });
  }
  return bytes;
}
