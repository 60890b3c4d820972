/**
 * The bill of materials in CycloneDX form: what is carried, with what npm knows of it from the lock file, and what npm
 * does not know to be carried. Whatever would differ from one run to the next is made from the content.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { partsOfNode } from './inside-node.ts';
import { NODE_VERSION } from './node-runtime.ts';
import { STAND_INS } from './production-packages.ts';
import type { SourceState } from './source-state.ts';
import type { ThirdParty } from './third-party.ts';

const NPM_MS = 60_000;
const OWN = /^@gate\//;

interface Component {
  'bom-ref': string;
  name: string;
  version: string;
}

export interface BillFacts {
  version: string;
  state: SourceState;
  /** All that is carried of others. */
  parties: readonly ThirdParty[];
}

/** @throws Error when npm cannot tell, or knows nothing of something that is carried */
export function billOfMaterials({ version, state, parties }: BillFacts): string {
  const bill = lockedBill();
  const wanted = new Map(parties.map((party) => [`${party.name}@${party.version}`, party]));
  const listed = (bill.components as Component[])
    .filter(
      ({ name, version: its }) => OWN.test(name) || STAND_INS.includes(name) || wanted.has(`${name}@${its}`),
    )
    .map((each) => (STAND_INS.includes(each.name) ? standInFor(each) : each))
    .map((each) => told(each, wanted.get(`${each.name}@${each.version}`)));
  const missing = [...wanted.values()].filter(
    ({ name, version: its }) =>
      name !== 'Node.js' && !listed.some((each) => each.name === name && each.version === its),
  );
  if (missing.length > 0)
    throw new Error(`npm sbom does not list ${missing.map(({ name }) => name).join(', ')}, which is carried`);
  bill.metadata.timestamp = new Date(state.epochSeconds * 1_000).toISOString();
  // which npm it was changes nothing about what is listed
  delete bill.metadata.tools;
  // npm calls it by the folder it lies in
  Object.assign(bill.metadata.component, { name: 'gate', version });
  bill.components = [
    ...new Map([...listed, nodeComponent()].map((each) => [each['bom-ref'], each])).values(),
  ];
  bill.components.sort((a: Component, b: Component) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  bill.dependencies = dependenciesAmong(bill);
  delete bill.serialNumber;
  const digest = createHash('sha256').update(JSON.stringify(bill)).digest('hex');
  return `${JSON.stringify({ ...bill, serialNumber: `urn:uuid:${uuidOf(digest)}` }, null, 2)}\n`;
}

/** Everything in the lock file, development dependencies too: some of them are carried. */
function lockedBill() {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'],
    { encoding: 'utf8', timeout: NPM_MS, maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`npm sbom: ${stderr.trim()}`);
  return JSON.parse(stdout);
}

/** How it lies in `node_modules` here is of no use to who reads it, and nothing of it is for development. */
function told(component: Component, party: ThirdParty | undefined): Component {
  const {
    properties: _,
    scope: __,
    ...rest
  } = component as Component & { properties?: unknown; scope?: unknown };
  if (party?.inside === undefined) return rest;
  const description = `its makers may have built it into ${party.inside}; the version is the one of our lock file`;
  return { ...rest, ...{ description } };
}

function nodeComponent() {
  return {
    type: 'platform',
    'bom-ref': `nodejs@${NODE_VERSION}`,
    name: 'Node.js',
    version: NODE_VERSION,
    licenses: [{ license: { id: 'MIT' } }],
    cpe: `cpe:2.3:a:nodejs:node.js:${NODE_VERSION}:*:*:*:*:*:*:*`,
    components: partsOfNode(),
  };
}

/** Of that name, and no package of npm's; who needs it refers to it as before. */
function standInFor({ 'bom-ref': reference, name }: Component): Component {
  const own = JSON.parse(readFileSync(join('packaging/stand-ins', name, 'package.json'), 'utf8'));
  const licenses = [{ license: { id: own.license } }];
  return { ...{ type: 'library', licenses }, 'bom-ref': reference, name, version: own.version };
}

interface Dependency {
  ref: string;
  dependsOn?: string[];
}

function dependenciesAmong(bill: {
  metadata: { component: Component };
  components: Component[];
  dependencies?: Dependency[];
}): Dependency[] {
  const kept = new Set([...bill.components, bill.metadata.component].map((each) => each['bom-ref']));
  return (bill.dependencies ?? [])
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) }));
}

/** RFC 9562, version 8: bits of one's own making. */
function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
