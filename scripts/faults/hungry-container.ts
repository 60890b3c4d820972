/**
 * A protocol of somebody else, as a container, that works well for a while and then takes memory without end, on a real
 * engine that is started for it. What it may have its manifest says; past that the engine ends it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildVersion, bundleProgram } from '../../test/e2e/containers/programs.ts';
import { ContainerEngine, reasonForNoEngine } from '../../test/support/container-engine.ts';
import type { LocalApi } from '../../test/support/local-api.ts';
import { until } from '../../test/support/until.ts';
import type { Scope } from '../bench/scope.ts';
import { demand } from './scenario.ts';

const SLUG = 'hungry';
const MEMORY_MB = 96;
const INSTALLATION = `/device/v1/protocols/${SLUG}/installation`;
const INSTALLED_MS = 60_000;
/** It begins to eat after 4 s, and is full some tenths of a second later. */
const ENDED_MS = 30_000;

interface Health {
  parts: Record<string, { state: string; lastFailure?: string; restarts?: number }>;
}

export class HungryContainer {
  readonly #engine: ContainerEngine;

  private constructor(engine: ContainerEngine) {
    this.#engine = engine;
  }

  /**
   * Before the gateway of this data folder is started, with `environment`.
   * @returns why it cannot be had here, in words; in continuous integration that is thrown
   */
  static async prepare(scope: Scope, dataFolder: string): Promise<HungryContainer | string> {
    const reason = reasonForNoEngine();
    if (reason !== undefined) return reason;
    const engine = await ContainerEngine.start();
    scope.defer(() => engine.stop());
    const [program] = await Promise.all([bundleProgram(), engine.buildBase()]);
    const image = await buildVersion(engine, { program, name: `${SLUG}:1`, behaviour: 'hungry' });
    const folder = join(dataFolder, 'addons', SLUG);
    mkdirSync(folder, { recursive: true });
    const manifest = {
      id: SLUG,
      slug: SLUG,
      name: SLUG,
      contract: 1,
      version: '1.0.0',
      parameters: { type: 'object' },
      runtime: { container: { image, memoryMb: MEMORY_MB } },
    };
    writeFileSync(join(folder, 'addon.json'), JSON.stringify(manifest));
    return new HungryContainer(engine);
  }

  /** What the gateway needs to run it. */
  get environment(): Record<string, string> {
    return this.#engine.environment;
  }

  /** Installed, until it has been ended for what it took and is started again; then removed. @throws FaultFound */
  async eats(api: LocalApi): Promise<number> {
    await api.send('POST', INSTALLATION, { parameters: {} });
    await until(
      'the hungry one is installed',
      async () => (await this.#status(api)) === 'installed',
      INSTALLED_MS,
    );
    const failure = await until(
      'health says why it was ended',
      async () => (await this.#part(api))?.lastFailure,
      ENDED_MS,
    );
    demand(
      failure.includes(`it took more memory than it may have, ${MEMORY_MB} MB`),
      `a container that takes memory without end was told as: ${failure}`,
    );
    const again = await until('it is started again', async () => {
      const part = await this.#part(api);
      return part?.state === 'running' && part.restarts;
    });
    await api.send('DELETE', `${INSTALLATION}?force=true&data=true`);
    await until(
      'the hungry one is removed',
      async () => (await this.#status(api)) === 'notInstalled',
      INSTALLED_MS,
    );
    const left = await this.#engine.docker('ps', '--all', '--quiet', '--filter', `label=gate.addon=${SLUG}`);
    demand(left === '', `containers are left of a protocol that was removed: ${left}`);
    return again;
  }

  async #status(api: LocalApi): Promise<string> {
    return (await api.get<{ status: string }>(`/device/v1/protocols/${SLUG}`)).status;
  }

  async #part(api: LocalApi): Promise<Health['parts'][string] | undefined> {
    return (await api.get<Health>('/health/ready')).parts[`addon:${SLUG}`];
  }
}
