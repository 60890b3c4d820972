/**
 * One program as few files: fewer modules and sources to load and keep, which the idle daemon shows (docs/decisions/0014).
 * Names stay as they are, for stack traces; what is imported on demand stays a file of its own.
 */
import { builtinModules } from 'node:module';
import { build, type Metafile, type Plugin } from 'esbuild';

export interface Program {
  /** Output path without extension → source file. */
  entries: Record<string, string>;
  outFolder: string;
  /** Packages that stay packages, loaded from `node_modules` when the program runs. */
  external?: readonly string[];
}

const BUILTINS = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
/** What the packages try to `require` and do without. */
const OPTIONAL = ['bufferutil', 'utf-8-validate'];

/**
 * An ES `import` of a builtin module reads each of its exports, and some of those load much: the `WebSocket` of
 * `node:http` starts a second HTTP client. `require` reads none.
 */
const requireBuiltins: Plugin = {
  name: 'require builtins',
  setup({ onResolve, onLoad }) {
    // the same streams as Node's own, carried along for old versions and browsers
    onResolve({ filter: /^readable-stream$/ }, () => ({ path: 'node:stream', namespace: 'builtin' }));
    onResolve({ filter: /^[a-z0-9_:/]+$/ }, ({ path, kind }) => {
      if (!BUILTINS.has(path)) return undefined;
      const name = path.startsWith('node:') ? path : `node:${path}`;
      // the one that `require` itself comes from
      const asIs = kind !== 'import-statement' || name === 'node:module';
      return asIs ? { path: name, external: true } : { path: name, namespace: 'builtin' };
    });
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/** @returns what went in and came out */
export async function bundle({ entries, outFolder, external = [] }: Program): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: entries,
    outdir: outFolder,
    chunkNames: 'src/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // the import condition alone would give some packages their browser form
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    external: [...OPTIONAL, ...external],
    plugins: [requireBuiltins],
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}
