/** Add-ons of the container tests: one program, whose image says how it behaves. */
import { type BuildOptions, build } from 'esbuild';
import type { ContainerEngine } from '../../support/container-engine.ts';

export type Behaviour =
  /** Runs, and writes what it is given every 200 ms. */
  | 'good'
  /** Ends at once. */
  | 'broken'
  /** Never speaks to gate. */
  | 'silent'
  /** Runs, then ends. */
  | 'short'
  /** Takes memory without end. */
  | 'greedy'
  /** Runs well for a while, then does the same. */
  | 'hungry'
  /** Says that it has no devices. */
  | 'degraded';

const SOURCE = `
  import { createAddon } from '@gate/addon-sdk';
  const { BEHAVIOUR, VERSION } = process.env;
  console.log('this is ' + VERSION);
  if (BEHAVIOUR === 'broken') {
    console.error('Error: this version cannot work');
    process.exit(7);
  }
  if (BEHAVIOUR === 'silent') {
    console.log('looking for something that is not there');
    process.on('SIGTERM', () => process.exit(0));
    setInterval(() => undefined, 1000);
  } else {
    const addon = createAddon({ version: VERSION, handlers: {} });
    if (BEHAVIOUR === 'degraded') addon.state('degraded', 'nothing is plugged in');
    if (BEHAVIOUR === 'short') setTimeout(() => { console.error('Error: it did not last'); process.exit(3); }, 400);
    if (BEHAVIOUR === 'greedy' || BEHAVIOUR === 'hungry') {
      const taken = [];
      const take = () => setInterval(() => taken.push(Buffer.alloc(8_000_000, 1)), 10);
      setTimeout(take, BEHAVIOUR === 'hungry' ? 4_000 : 0);
    }
    if (BEHAVIOUR === 'good') {
      let count = 0;
      setInterval(() => (count % 2 ? console.error : console.log)('line ' + count++), 200);
    }
    await addon.run();
    process.exit(0);
  }
`;

/** The bundle, to be given to `buildVersion`. */
export const bundleProgram = () =>
  bundled({ stdin: { contents: SOURCE, resolveDir: process.cwd(), loader: 'ts' } });

/** A program with all that it imports, as one file: in an image there is nothing else. */
export async function bundled(
  what: Pick<BuildOptions, 'stdin'> | Pick<BuildOptions, 'entryPoints'>,
): Promise<string> {
  const { outputFiles } = await build({
    ...what,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    banner: {
      js: "import{createRequire as createRequireHere}from'node:module';const require=createRequireHere(import.meta.url);",
    },
  });
  return outputFiles[0]?.text ?? '';
}

/** @returns the image's name in the registry */
export function buildVersion(
  engine: ContainerEngine,
  { program, name, behaviour }: { program: string; name: string; behaviour: Behaviour },
): Promise<string> {
  const version = name.split(':')[1] ?? '';
  return engine.buildProgram(name, program, [`ENV BEHAVIOUR=${behaviour} VERSION=${version}`]);
}
