/**
 * One program as few files: fewer modules and sources to load and keep, which the idle daemon shows (docs/decisions/0014).
 * Names stay as they are, for stack traces; what is imported on demand stays a file of its own.
 */
import { readFileSync } from 'node:fs';
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
const OPTIONAL = ['bufferutil', 'supports-color', 'utf-8-validate'];

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

/** Media types that the API reads or writes; a type that is not in the table is itself all the same. */
const MEDIA_TYPES =
  /^(application\/(json|javascript|octet-stream|x-www-form-urlencoded|xml|wasm)|text\/(css|csv|html|javascript|plain|xml)|image\/(png|svg\+xml|x-icon|vnd\.microsoft\.icon)|font\/woff2)$/;

/** koa looks media types up in a table of 2,500, of which the API has a dozen: 1 MB of objects. */
const ownMediaTypes: Plugin = {
  name: 'own media types',
  setup({ onLoad }) {
    onLoad({ filter: /mime-db[\\/]db\.json$/ }, ({ path }) => {
      const all = Object.entries(JSON.parse(readFileSync(path, 'utf8')));
      const own = Object.fromEntries(all.filter(([type]) => MEDIA_TYPES.test(type)));
      return { contents: JSON.stringify(own), loader: 'json' };
    });
  },
};

/**
 * koa asks of each body whether it is one of the browser's kinds, and to ask for `Response` loads all of undici, 2.7 MB.
 * Routes answer with none of them.
 */
const plainBodies: Plugin = {
  name: 'plain bodies',
  setup({ onLoad }) {
    onLoad({ filter: /koa[\\/]lib[\\/](application|response)\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const contents = source.replace(/\b(val|body) instanceof (Blob|ReadableStream|Response)\b/g, 'false');
      if (contents === source || /instanceof (Blob|ReadableStream|Response)\b/.test(contents))
        throw new Error(`${path} asks for the browser's kinds of bodies in another way now`);
      return { contents, loader: 'js' };
    });
  },
};

/**
 * dockerode can also build images and speak through SSH. gate does neither, and what those need takes 27 MB of memory
 * when it is loaded (7 MB are left).
 */
const containersOnly: Plugin = {
  name: 'containers only',
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: /^(@grpc\/grpc-js|@grpc\/proto-loader|protobufjs|ssh2|tar-fs|@balena\/dockerignore)$/ },
      ({ path }) => ({ path, namespace: 'left out' }),
    );
    onLoad({ filter: /.*/, namespace: 'left out' }, () => ({ contents: 'module.exports = {};' }));
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
    plugins: [requireBuiltins, ownMediaTypes, plainBodies, containersOnly],
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}
