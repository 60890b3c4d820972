/** What the Node of a release is made of: an attacker reaches OpenSSL and SQLite through it. */
import { NODE_VERSION } from './node-runtime.ts';

/** Versions of interfaces and of data, not of programs. */
const NO_PROGRAM = new Set(['node', 'modules', 'napi', 'unicode', 'cldr']);
/** Under which vulnerabilities are listed (NIST, CPE 2.3), where they are. */
const VENDORS: Readonly<Record<string, string>> = {
  ares: 'c-ares:c-ares',
  brotli: 'google:brotli',
  icu: 'icu-project:international_components_for_unicode',
  llhttp: 'llhttp:llhttp',
  nghttp2: 'nghttp2:nghttp2',
  openssl: 'openssl:openssl',
  simdjson: 'simdjson:simdjson',
  sqlite: 'sqlite:sqlite',
  undici: 'nodejs:undici',
  uv: 'libuv:libuv',
  v8: 'google:v8',
  zlib: 'zlib:zlib',
  zstd: 'facebook:zstandard',
};
const OF_NPM = new Set(['acorn', 'amaro', 'undici']);
/** `- OpenSSL, located at deps/openssl, is licensed as follows:` */
const NAMED = /^- (.+), located at (\S+), is licensed as follows:$/gm;
/** Of the sources alone, or of programs that a release does not carry. */
const NOT_CARRIED = /^(tools|test)\/|^deps\/(npm|corepack|googletest)/;

export interface NodePart {
  type: 'library';
  'bom-ref': string;
  name: string;
  version: string;
  cpe?: string;
  purl?: string;
}

/**
 * As that Node itself says, for the bill of materials; the same for each architecture, which is built of the same sources.
 * @throws Error where another Node runs this
 */
export function partsOfNode(versions: NodeJS.ProcessVersions = process.versions): NodePart[] {
  if (versions.node !== NODE_VERSION)
    throw new Error(
      `this runs on Node ${versions.node}, and a release carries ${NODE_VERSION}: "npm run package" takes that one`,
    );
  return Object.entries(versions)
    .filter(([name, version]) => version !== undefined && version !== '' && !NO_PROGRAM.has(name))
    .map(([name, version = '']) => {
      const [, number = version] = /^v?(\d[\d.]*\d|\d+\w?)/.exec(version) ?? [];
      const vendor = VENDORS[name];
      return {
        type: 'library',
        'bom-ref': `nodejs@${NODE_VERSION}/${name}@${version}`,
        name,
        version,
        ...(vendor === undefined ? {} : { cpe: `cpe:2.3:a:${vendor}:${number}:*:*:*:*:*:*:*` }),
        ...(OF_NPM.has(name) ? { purl: `pkg:npm/${name}@${version}` } : {}),
      };
    });
}

/** Names of what stands in Node's own licence and is inside its program. */
export function partsNamedIn(licence: string): string[] {
  const all = [...licence.matchAll(NAMED)].filter(([, , place = '']) => !NOT_CARRIED.test(place));
  return [...new Set(all.map(([, name = '']) => name))];
}
