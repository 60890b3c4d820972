/**
 * `npm run check:audit [-- --advisories FOLDER]`: known weaknesses of all that a release may carry. It asks the registry as
 * `npm audit` does; with a folder of advisories (`audit/advisories.ts`) no registry is needed. Each that is found has to be
 * judged in `docs/decisions`, by its id: is the faulty code reached, and by whom? Exit code 1 where one is not, 2 where
 * nobody could be asked. What only development needs is told too, and fails nothing.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Installed, type Weakness, weaknessesIn } from './audit/advisories.ts';
import { possibleParties } from './package/third-party.ts';

const NPM_MS = 120_000;
const { values } = parseArgs({ options: { advisories: { type: 'string' } } });

/** Everything in the lock file that is installed here. */
function installed(): Installed[] {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { name?: string; version?: string }>;
  };
  return Object.entries(packages).flatMap(([path, { name, version }]) =>
    path.includes('node_modules/') && version !== undefined
      ? [{ name: name ?? (path.split('node_modules/').at(-1) as string), version }]
      : [],
  );
}

interface NpmVia {
  name: string;
  title: string;
  url: string;
}

/** @throws Error where the registry does not answer this */
function askedOfNpm(): Weakness[] {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', timeout: NPM_MS });
  const told = JSON.parse(stdout || '{}') as {
    message?: string;
    vulnerabilities?: Record<string, { via: (string | NpmVia)[]; nodes: string[] }>;
  };
  if (told.vulnerabilities === undefined)
    throw new Error(`the registry does not tell of weaknesses: ${told.message ?? 'no answer'}`);
  return Object.values(told.vulnerabilities).flatMap(({ via, nodes }) =>
    via.flatMap((each) =>
      typeof each === 'string'
        ? []
        : nodes.map((node) => ({
            id: each.url.split('/').at(-1) ?? each.url,
            title: each.title,
            name: each.name,
            version: String(JSON.parse(readFileSync(`${node}/package.json`, 'utf8')).version),
          })),
    ),
  );
}

function weaknesses(): Weakness[] {
  if (values.advisories === undefined) return askedOfNpm();
  const { advisories, found } = weaknessesIn(values.advisories, installed());
  console.log(`${advisories} advisories of npm's packages were looked at`);
  return found;
}

function main(): number {
  const carried = new Set(possibleParties().map(({ name, version }) => `${name}@${version}`));
  const pages = globSync('docs/decisions/*.md').map((path) => [path, readFileSync(path, 'utf8')] as const);
  const found = weaknesses();
  let open = 0;
  for (const { id, title, name, version } of found) {
    const judged = pages.find(([, text]) => text.includes(id))?.[0];
    const isCarried = carried.has(`${name}@${version}`);
    if (isCarried && judged === undefined) open += 1;
    const where = isCarried ? (judged ?? 'NOT JUDGED') : 'for development alone';
    console.log(`${id} ${name} ${version}: ${title} (${where})`);
  }
  console.log(
    `${carried.size} packages that a release may carry: ${open === 0 ? 'nothing that is not judged' : `${open} to be judged in docs/decisions`}`,
  );
  return open === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`check:audit: ${(error as Error).message}`);
  console.error('--advisories FOLDER takes a clone of github.com/github/advisory-database');
  process.exitCode = 2;
}
