/**
 * The add-ons that lie on disk: each a folder with `addon.json`. One that cannot be used becomes a problem with
 * its reason and harms no other. Bundled add-ons come first: a foreign one cannot take their place.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as v from 'valibot';
import { type Manifest, manifestSchema } from '../contract/manifest.ts';
import { SUPPORTED_CONTRACTS } from '../contract/version.ts';
import type { TypesOfProtocol } from '../core/devices/type-catalogue.ts';
import type { AddonPackage } from '../core/protocols/protocols.ts';
import { type DeviceType, deviceTypeSchema } from '../model/device-type.ts';
import { parseWith } from '../model/parse.ts';
import { realInnerPath } from './inner-path.ts';

/** A manifest larger than this is none; the types of a large protocol lie in a file of their own. */
const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;
const TYPES_MAX_BYTES = 64 * 1024 * 1024;
/** A file of types larger than this is read when somebody asks for the types, and checked then. */
const TYPES_AT_ONCE_MAX_BYTES = 256 * 1024;
export const MANIFEST_NAME = 'addon.json';
/** The manifest of an add-on that was taken away; its folder is left alone. */
export const REMOVED_NAME = 'addon.json.removed';

export interface AddonProblem {
  folder: string;
  reason: string;
}

export interface FoundAddons {
  packages: AddonPackage[];
  problems: AddonProblem[];
}

export interface AddonFolders {
  /** Those that come with gate. A folder in it without a manifest (the SDK) is no add-on. */
  bundledFolder: string;
  /** `DATA_FOLDER/addons`: those of others. Need not be there; a folder in it without a manifest is a mistake. */
  foreignFolder: string;
}

/** Never rejects: whatever is wrong is among the problems. */
export async function readAddonFolders({ bundledFolder, foreignFolder }: AddonFolders): Promise<FoundAddons> {
  const found: FoundAddons = { packages: [], problems: [] };
  await readEach(bundledFolder, { found, required: true });
  await readEach(foreignFolder, { found, required: false });
  return found;
}

async function readEach(
  parent: string,
  { found, required }: { found: FoundAddons; required: boolean },
): Promise<void> {
  let names: string[];
  try {
    names = await readdir(parent);
  } catch (error) {
    if (required || !isMissing(error))
      found.problems.push({ folder: parent, reason: `it cannot be read: ${messageOf(error)}` });
    return;
  }
  for (const name of names.sort()) {
    const folder = resolve(parent, name);
    if (name.startsWith('.')) continue;
    try {
      const addon = await readPackage(folder);
      if (addon) found.packages.push(checkFree(addon, found.packages));
      else if (!required && (await stat(folder)).isDirectory() && !(await isRemoved(folder)))
        throw new Error(`it holds no ${MANIFEST_NAME}`);
    } catch (error) {
      found.problems.push({ folder, reason: messageOf(error) });
    }
  }
}

/** Undefined when the folder holds no manifest. @throws Error saying what is wrong */
export async function readPackage(folder: string): Promise<AddonPackage | undefined> {
  const text = await readBounded(join(folder, MANIFEST_NAME), MANIFEST_MAX_BYTES);
  if (text === undefined) return undefined;
  const manifest = parseWith(manifestSchema, parseJson(text, MANIFEST_NAME), MANIFEST_NAME);
  if (!SUPPORTED_CONTRACTS.includes(manifest.contract)) {
    throw new Error(
      `it speaks add-on contract ${manifest.contract}; this gateway speaks ${SUPPORTED_CONTRACTS.join(', ')}`,
    );
  }
  if (manifest.slug !== basename(folder)) {
    throw new Error(`its slug "${manifest.slug}" must be the name of its folder, "${basename(folder)}"`);
  }
  return { manifest, folder, types: await readTypes(folder, manifest.types) };
}

function isRemoved(folder: string): Promise<boolean> {
  return stat(join(folder, REMOVED_NAME)).then(
    () => true,
    () => false,
  );
}

async function readTypes(folder: string, types: Manifest['types']): Promise<TypesOfProtocol> {
  if (Array.isArray(types)) return types;
  const { file, defaults } = types;
  const path = await realInnerPath(folder, file);
  const missing = () => new Error(`its file of types, ${file}, is not there`);
  if (path === undefined) throw missing();
  const read = async () => {
    const text = await readBounded(path, TYPES_MAX_BYTES);
    if (text === undefined) throw missing();
    return text;
  };
  // in place: with thousands of types every copy is megabytes
  const complete = (type: DeviceType) => {
    type.addOn ??= defaults.addOn;
    type.parameters ??= defaults.parameters;
    return type;
  };
  const parse = (text: string) =>
    parseWith(v.array(deviceTypeSchema), parseJson(text, file), file).map(complete);
  const load = async () => parse(await read());
  const find = async (typeId: string) => {
    const text = await read();
    if (!text.includes(JSON.stringify(typeId))) return undefined;
    const line = lineOf(text, typeId);
    return line === undefined ? parse(text).find(({ id }) => id === typeId) : complete(line);
  };
  return (await stat(path)).size > TYPES_AT_ONCE_MAX_BYTES ? { load, find } : load();
}

/** Most large files have one type a line: then that line is all that is looked at. Undefined where it is none. */
function lineOf(text: string, typeId: string): DeviceType | undefined {
  const at = text.indexOf(`"id":${JSON.stringify(typeId)}`);
  if (at < 0) return undefined;
  const end = text.indexOf('\n', at);
  const line = text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end).replace(/,\s*$/, '');
  try {
    const type = v.parse(deviceTypeSchema, JSON.parse(line));
    return type.id === typeId ? type : undefined;
  } catch {
    return undefined;
  }
}

/** A protocol is asked for by its id or its slug: neither may lead to two. */
function checkFree(addon: AddonPackage, packages: readonly AddonPackage[]): AddonPackage {
  const { id, slug } = addon.manifest;
  for (const { manifest, folder } of packages) {
    if (manifest.slug === slug) throw new Error(`slug "${slug}" is taken by the add-on in ${folder}`);
    for (const name of [id, slug]) {
      if (name === manifest.id || name === manifest.slug)
        throw new Error(`"${name}" already names the add-on in ${folder}`);
    }
  }
  return addon;
}

/** Undefined when there is no such file. */
async function readBounded(path: string, maxBytes: number): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > maxBytes) throw new Error(`${basename(path)} is larger than ${maxBytes} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${what} is not valid JSON: ${messageOf(error)}`);
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
