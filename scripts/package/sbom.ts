/**
 * The bill of materials in CycloneDX form, as npm itself makes it of the lock file, and beside that what npm does not
 * know to be carried. Whatever would differ from one run to the next is made from the content.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NODE_VERSION } from './node-runtime.ts';
import { STAND_INS } from './production-packages.ts';
import type { SourceState } from './source-state.ts';
import { COPIED } from './third-party.ts';

const NPM_MS = 60_000;

/** @throws Error when npm cannot tell */
export function billOfMaterials(version: string, { epochSeconds }: SourceState): string {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--omit=dev', '--package-lock-only'],
    { encoding: 'utf8', timeout: NPM_MS, maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0) throw new Error(`npm sbom: ${stderr.trim()}`);
  const bill = JSON.parse(stdout);
  bill.metadata.timestamp = new Date(epochSeconds * 1_000).toISOString();
  // which npm it was changes nothing about what is listed
  delete bill.metadata.tools;
  // npm calls it by the folder it lies in
  Object.assign(bill.metadata.component, { name: 'gate', version });
  bill.components = bill.components.map((each: Component) =>
    STAND_INS.includes(each.name) ? standInFor(each) : each,
  );
  bill.components.push(...COPIED.map((name) => componentOf(join('node_modules', name))), {
    type: 'platform',
    'bom-ref': `nodejs@${NODE_VERSION}`,
    name: 'Node.js',
    version: NODE_VERSION,
    cpe: `cpe:2.3:a:nodejs:node.js:${NODE_VERSION}:*:*:*:*:*:*:*`,
  });
  bill.components.sort((a: Component, b: Component) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  delete bill.serialNumber;
  const digest = createHash('sha256').update(JSON.stringify(bill)).digest('hex');
  return `${JSON.stringify({ ...bill, serialNumber: `urn:uuid:${uuidOf(digest)}` }, null, 2)}\n`;
}

interface Component {
  'bom-ref': string;
  name: string;
}

function componentOf(folder: string) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return {
    type: 'library',
    'bom-ref': `${name}@${version}`,
    name,
    version,
    purl: `pkg:npm/${name}@${version}`,
    licenses: [{ license: { id: license } }],
  };
}

/** Of that name, and no package of npm's; who needs it refers to it as before. */
function standInFor({ 'bom-ref': reference, name }: Component) {
  const { purl, ...ours } = componentOf(join('packaging/stand-ins', name));
  return { ...ours, 'bom-ref': reference };
}

/** RFC 9562, version 8: bits of one's own making. */
function uuidOf(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
