/**
 * The add-ons that lie on disk: each a folder with `addon.json`. One that cannot be used becomes a problem with
 * its reason and harms no other. Bundled add-ons come first: a foreign one cannot take their place.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { manifestSchema } from '../contract/manifest.ts';
import { SUPPORTED_CONTRACTS } from '../contract/version.ts';
import type { AddonPackage } from '../core/protocols/protocols.ts';
import { parseWith } from '../model/parse.ts';
import { isMissing, messageOf, parseJson, readBounded } from './addon-file.ts';
import { readTypes } from './type-files.ts';

/** A manifest larger than this is none; the types of a large protocol lie in a file of their own. */
const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;
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
