/**
 * What a release carries of others, and under which licence. A licence that is not among those below stops the making of
 * a release: somebody has to look at it first ([0032](../../docs/decisions/0032-licences-of-a-release.md)).
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { NODE_VERSION } from './node-runtime.ts';
import { lockedFolders, STAND_INS } from './production-packages.ts';

/** As SPDX writes them. All may be carried in a work under Apache-2.0, bundled or beside. */
export const LICENCES_ALLOWED: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
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
};
/** Development dependencies of which something is copied into a release. */
export const COPIED: readonly string[] = ['openapi-explorer'];

export interface ThirdParty {
  name: string;
  version: string;
  licence: string;
}

/** Everything that the product needs when it runs, as the lock file has it, sorted. Needs an `npm ci`. */
export function thirdParties(): ThirdParty[] {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const own = Object.keys(dependencies).filter((name) => name !== 'node');
  const addons = globSync('addons/*/package.json').map(dirname);
  const folders = lockedFolders([...addons, ...own.map((name) => `node_modules/${name}`)]);
  const copied = COPIED.map((name) => `node_modules/${name}`);
  const found = [...folders, ...copied].filter((folder) => folder.includes('node_modules/')).map(partyIn);
  // an older one may lie within another package
  const once = new Map(found.map((party) => [`${party.name}@${party.version}`, party]));
  return [...once.values(), { name: 'Node.js', version: NODE_VERSION, licence: 'MIT' }].sort((a, b) =>
    a.name < b.name ? -1 : 1,
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

/** The page that lies in a release. */
export function thirdPartyList(parties: readonly ThirdParty[]): string {
  const rows = parties.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return `# What is of others

gate is under the Apache License 2.0 (\`LICENSE\`). It carries, or is bundled with:

| package | version | licence |
|---|---|---|
${rows.join('\n')}

The words of the licences: of what is bundled in \`app/THIRD-PARTY-LICENCES.txt\`, of Node.js and what it carries in turn in
\`bin/node-LICENSE.txt\`, of all else beside its files in \`app/node_modules\`.
`;
}
