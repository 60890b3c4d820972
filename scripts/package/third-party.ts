/**
 * What a release carries of others, and under which licence. A licence that is not among those below stops the making of
 * a release: somebody has to look at it first ([0032](../../docs/decisions/0032-licences-of-a-release.md)).
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NODE_VERSION } from './node-runtime.ts';
import { lockedFolders, productionPackages, STAND_INS } from './production-packages.ts';

/** As SPDX writes them. All may be carried in a work under Apache-2.0, bundled or beside. */
export const LICENCES_ALLOWED: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'PSF-2.0',
  'Python-2.0',
  'Unlicense',
  // taken under the first
  '(MIT OR GPL-2.0)',
];
/** Their package.json has none, or not as SPDX writes it; what their files say. */
const SAID_ELSEWHERE: Record<string, string> = {
  '@seald-io/binary-search-tree': 'MIT',
  buildcheck: 'MIT',
  'cpu-features': 'MIT',
  ssh2: 'MIT',
  'xmlhttprequest-ssl': 'MIT',
};
/** Development dependencies that a release carries for browsers: in the dashboard's bundle, or copied. */
export const FOR_BROWSERS: readonly string[] = [
  'openapi-explorer',
  'openapi-fetch',
  'socket.io-client',
  'svelte',
  'uplot',
];
/** One file of theirs is copied, which their makers have built with all that they need. */
export const PREBUILT: readonly string[] = ['openapi-explorer'];
/** What `npm run build` names here is inside of what it has built. */
export const BUNDLED = 'bundled-packages.json';

export interface ThirdParty {
  name: string;
  version: string;
  licence: string;
  /** Of the prebuilt package that has it inside, where it is nowhere else. */
  inside?: string;
}

/**
 * What is carried, no more and no less: inside the bundles, beside them, inside what is prebuilt, and Node. Sorted.
 * @param bundled folders, as the build has named them
 * @throws Error for one that comes by a development dependency which is not named above
 */
export function thirdParties(bundled: readonly string[]): ThirdParty[] {
  const possible = new Set(possibleFolders());
  const stranger = bundled.find((folder) => !possible.has(folder));
  if (stranger !== undefined)
    throw new Error(
      `${stranger} is bundled, and comes by none of FOR_BROWSERS in scripts/package/third-party.ts`,
    );
  const beside = productionPackages(addonFolders());
  return partiesIn([...bundled, ...beside], PREBUILT.flatMap(foldersInside));
}

/** Whatever a release may carry, before anything is built: all that the lock file has for it. */
export function possibleParties(): ThirdParty[] {
  return partiesIn(possibleFolders().filter((folder) => folder.includes('node_modules/')));
}

function possibleFolders(): string[] {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const own = Object.keys(dependencies).filter((name) => name !== 'node');
  const workspaces = globSync('addons/*/package.json').map(dirname);
  return lockedFolders([...workspaces, ...[...own, ...FOR_BROWSERS].map((name) => `node_modules/${name}`)]);
}

/** Of those that run from a release; the SDK is inside of them. */
export function addonFolders(): string[] {
  return globSync('addons/*/addon.json').map(dirname).sort();
}

/** What the makers of a prebuilt package name as its dependencies. Which of it they took, and in which version, they do not say. */
export function foldersInside(prebuilt: string): string[] {
  const folder = `node_modules/${prebuilt}`;
  // types are no code
  return lockedFolders([folder]).filter((each) => each !== folder && !each.includes('node_modules/@types/'));
}

function partiesIn(folders: readonly string[], inside: readonly string[] = []): ThirdParty[] {
  const found = folders.map(partyIn);
  const built = inside.map((folder) => ({ ...partyIn(folder), inside: PREBUILT.join() }));
  // the same version may lie in several places
  const once = new Map([...built, ...found].map((party) => [`${party.name}@${party.version}`, party]));
  return [...once.values(), { name: 'Node.js', version: NODE_VERSION, licence: 'MIT' }].sort((a, b) =>
    `${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1,
  );
}

function partyIn(folder: string): ThirdParty {
  const name = folder.split('node_modules/').at(-1) as string;
  const manifest = STAND_INS.includes(name) ? join('packaging/stand-ins', name) : folder;
  const { version, license } = JSON.parse(readFileSync(join(manifest, 'package.json'), 'utf8'));
  return { name, version, licence: SAID_ELSEWHERE[name] ?? String(license) };
}

/** @throws Error naming each that may not be carried */
export function demandAllowed(parties: readonly ThirdParty[]): void {
  const others = parties.filter(({ licence }) => !LICENCES_ALLOWED.includes(licence));
  if (others.length === 0) return;
  const named = others.map(({ name, version, licence }) => `${name} ${version} (${licence})`).join(', ');
  throw new Error(
    `${named}: not among the licences of scripts/package/third-party.ts. Look whether a release may carry it`,
  );
}

/** The page that lies in a release. @param insideNode as `partsNamedIn` has them */
export function thirdPartyList(parties: readonly ThirdParty[], insideNode: readonly string[]): string {
  const rows = (chosen: readonly ThirdParty[]) =>
    chosen.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`).join('\n');
  const head = '| package | version | licence |\n|---|---|---|';
  return `# What is of others

gate is under the Apache License 2.0 (\`LICENSE\`). It carries, or is bundled with:

${head}
${rows(parties.filter(({ inside }) => inside === undefined))}

The page \`/docs\` is shown by a file that the makers of ${PREBUILT.join()} have built. They name as its dependencies, and may have put
into it:

${head}
${rows(parties.filter(({ inside }) => inside !== undefined))}

Node.js carries in turn ${insideNode.join(', ')}, and SQLite, which is in the public domain.

The words of the licences: of what is bundled in \`app/THIRD-PARTY-LICENCES.txt\`, of Node.js and what it carries in turn in
\`bin/node-LICENSE.txt\`, of all else beside its files in \`app/node_modules\`.
`;
}
