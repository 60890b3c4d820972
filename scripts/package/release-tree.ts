/**
 * The files of a release, as they lie below `/opt/gate/releases/<version>`, and the manifest that names each of them
 * with its checksum. `docs/contracts.md` ("Archive") has the form.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { MIGRATIONS } from '../../src/store/migrations.ts';
import { MANIFEST, MANIFEST_SIGNATURE } from '../../src/updater/release-check.ts';
import { contentOf } from '../../src/updater/release-content.ts';
import { isNoInnerLink } from '../build/slim-packages.ts';
import { partsNamedIn } from './inside-node.ts';
import { type Architecture, fetchNode, NODE_VERSION } from './node-runtime.ts';
import { copyPackages, productionPackages } from './production-packages.ts';
import { billOfMaterials } from './sbom.ts';
import type { SigningKey } from './signing.ts';
import type { SourceState } from './source-state.ts';
import { addonFolders, BUNDLED, demandAllowed, thirdParties, thirdPartyList } from './third-party.ts';

export interface ReleaseFacts {
  version: string;
  architecture: Architecture;
  state: SourceState;
  key: SigningKey;
  /** Version of the store's schema, where it is not that of the sources. */
  store?: number;
}

/** Everything but the manifest. `built` is what `npm run build` made. */
export function layOutRelease(folder: string, built: string, facts: ReleaseFacts): void {
  const { version, architecture, state, key } = facts;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  fetchNode(architecture, join(folder, 'bin'));
  const app = join(folder, 'app');
  cpSync(built, app, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => isNoInnerLink(path, built),
  });
  const own = join(app, 'package.json');
  writeJson(own, { ...JSON.parse(readFileSync(own, 'utf8')), version });
  copyPackages(productionPackages(addonFolders()), app, architecture);

  for (const name of readdirSync('packaging').filter((each) => each !== 'stand-ins')) {
    const inRoot = name === 'install.sh' || name === 'bin' || name === 'release-keys';
    cpSync(join('packaging', name), join(folder, inRoot ? name : `packaging/${name}`), { recursive: true });
  }
  for (const program of ['install.sh', 'bin/gate']) chmodSync(join(folder, program), 0o755);
  for (const name of ['LICENSE', 'CHANGELOG.md', 'SECURITY.md']) cpSync(name, join(folder, name));
  const parties = thirdParties(JSON.parse(readFileSync(join(app, BUNDLED), 'utf8')));
  demandAllowed(parties);
  const ofNode = partsNamedIn(readFileSync(join(folder, 'bin/node-LICENSE.txt'), 'utf8'));
  writeFileSync(join(folder, 'THIRD-PARTY.md'), thirdPartyList(parties, ofNode));
  writeFileSync(join(folder, 'sbom.cdx.json'), billOfMaterials({ version, state, parties }));
  // they say it better
  rmSync(join(app, BUNDLED));
  writeFileSync(join(folder, 'release-keys', 'signed-by.pem'), key.publicPem);
}

/** Names what lies in the folder now, and signs that. */
export async function sealRelease(folder: string, facts: ReleaseFacts): Promise<void> {
  const { version, architecture, state, key, store = MIGRATIONS.length } = facts;
  for (const name of [MANIFEST, MANIFEST_SIGNATURE]) rmSync(join(folder, name), { force: true });
  const { files, links } = await contentOf(folder);
  const manifest = {
    name: 'gate',
    version,
    os: 'linux',
    arch: architecture,
    commit: state.commit,
    date: new Date(state.epochSeconds * 1_000).toISOString(),
    node: NODE_VERSION,
    store,
    development: key.development,
    links,
    files,
  };
  writeJson(join(folder, MANIFEST), manifest);
  writeFileSync(join(folder, MANIFEST_SIGNATURE), key.sign(readFileSync(join(folder, MANIFEST))));
}

function writeJson(path: string, value: unknown): void {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`);
}
