/**
 * Runs add-ons in containers. One container runs of each add-on; the one of a version that is kept beside is stopped and
 * stays. A container that runs already and is made just so is taken over, with the token that it has: an add-on that does
 * well is not started anew because the daemon was. Whatever a crash has left is put in order by the next start.
 */
import type { ContainerInfo } from 'dockerode';
import type { AddonPackage, ContainerRun as ContainerWanted } from '../../core/protocols/addon-package.ts';
import type { Logger } from '../../lib/logger.ts';
import { GatewayError } from '../../model/error.ts';
import type { AddonRuntime, AddonSpec, RunningAddon } from '../runtime.ts';
import {
  containerDescriptor,
  type Descriptor,
  LABELS,
  NETWORK,
  ownLabels,
  STOP_SECONDS,
} from './container-descriptor.ts';
import type { ContainerImages } from './container-images.ts';
import { ContainerLog } from './container-log.ts';
import type { ContainerNetwork } from './container-network.ts';
import { ContainerRun } from './container-run.ts';
import { ensureVolume } from './data-volume.ts';
import { deviceNodes } from './device-nodes.ts';
import type { Engine } from './engine.ts';
import { isEngineGone } from './engine-error.ts';
import { EngineWatch } from './engine-watch.ts';
import type { TimedLine } from './log-frames.ts';
import type { LogPositions } from './log-position.ts';
import { type ProbeLimits, ServiceProbe } from './service-probe.ts';

/** What is known of a service that does not speak for itself. */
export interface ServiceNews {
  slug: string;
  state: 'started' | 'running' | 'degraded';
  version: string;
  reason?: string;
}

export interface ContainerRuntimeParts {
  gatewayId: string;
  engine: Engine;
  images: ContainerImages;
  network: ContainerNetwork;
  positions: LogPositions;
  /** Where files for an add-on lie, for an engine to find: without links. */
  uploadsFolder: (slug: string) => Promise<string>;
  /** Why containers cannot be had at all, whatever the engine says; undefined where they can. */
  refused: string | undefined;
  onLine: (slug: string, line: TimedLine) => void;
  onService: (news: ServiceNews) => void;
  /** The engine is there (`undefined`), or why not. */
  onEngine: (trouble: string | undefined) => void;
  logger: Logger;
  probeLimits?: ProbeLimits;
}

interface Made {
  id: string;
  name: string;
  token: string;
  runs: boolean;
}

export class ContainerRuntime implements AddonRuntime {
  readonly #parts: ContainerRuntimeParts;
  readonly #runs = new Map<string, ContainerRun>();
  readonly #watch: EngineWatch;

  constructor(parts: ContainerRuntimeParts) {
    this.#parts = parts;
    this.#watch = new EngineWatch({
      engine: parts.engine,
      labels: { [LABELS.gateway]: parts.gatewayId },
      onDied: (id) => this.#each(id, (run) => run.noteEnd()),
      onUnhealthy: (id) => this.#each(id, (run) => this.#unhealthy(run)),
      onThere: () => {
        parts.onEngine(undefined);
        this.#each(undefined, (run) => run.look());
      },
      onGone: (error) => parts.onEngine(error instanceof Error ? error.message : String(error)),
    });
  }

  refusal({ manifest }: AddonPackage): string | undefined {
    if (!manifest.runtime.container)
      return 'it is installed as a container, and its manifest has none any more';
    return this.#parts.refused;
  }

  async start(spec: AddonSpec, signal: AbortSignal): Promise<RunningAddon> {
    const { addon, slug } = spec;
    const { container: wanted } = addon;
    const manifest = addon.manifest.runtime.container;
    if (!wanted || !manifest)
      throw new GatewayError('addonUnavailable', 'it is not installed as a container');
    const { engine, network, gatewayId, logger } = this.#parts;
    this.#watch.start();
    const nodes = await deviceNodes(manifest, wanted.parameters);
    const uploadsFolder = manifest.uploads ? await this.#parts.uploadsFolder(slug) : undefined;
    const brokerUrl = await network.open();
    signal.throwIfAborted();
    const { image, parameters } = wanted;
    const descriptor = containerDescriptor({
      gatewayId,
      slug,
      image,
      manifest,
      parameters,
      nodes,
      brokerUrl,
      uploadsFolder,
    });
    const present = await this.#tidied(slug, wanted, descriptor.mark);
    let made = present ? await this.#present(present) : await this.#make(spec, wanted, descriptor, signal);
    spec.readmit(made.token);
    if (!made.runs) {
      try {
        await engine.startContainer(made.id);
      } catch (error) {
        // one that an earlier run has left may hang on what is gone, its network for one
        if (!present || isEngineGone(error)) throw error;
        await engine.removeContainer(made.id);
        made = await this.#make(spec, wanted, descriptor, signal);
        spec.readmit(made.token);
        await engine.startContainer(made.id);
      }
    } else logger.info({ addon: slug, container: made.name }, 'its container runs already and is taken over');
    await network.entered();
    return this.#follow(spec, made);
  }

  /** Listens to the engine before anything is started: what an earlier run has left may have to go. */
  watch(): void {
    this.#watch.start();
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
  }

  /**
   * Before one starts no other of its add-on runs, and none is there that nobody needs.
   * @returns the one that is made just as it is wanted
   */
  async #tidied(
    slug: string,
    { standby }: ContainerWanted,
    mark: string,
  ): Promise<ContainerInfo | undefined> {
    const { engine, gatewayId } = this.#parts;
    const own = await engine.containers(ownLabels(gatewayId, slug));
    for (const { Id, State, Labels } of own) {
      if (Labels[LABELS.mark] === mark) continue;
      if (State === 'running' || State === 'paused' || State === 'restarting')
        await engine.stopContainer(Id, STOP_SECONDS);
      if (standby === undefined || Labels[LABELS.image] !== standby.id) await engine.removeContainer(Id);
    }
    return own.find(({ Labels }) => Labels[LABELS.mark] === mark);
  }

  async #present({ Id: id, Names, State }: ContainerInfo): Promise<Made> {
    const found = await this.#parts.engine.inspect(id);
    const variable = found?.Config.Env.find((text) => text.startsWith('GATE_ADDON_TOKEN='));
    const token = variable?.slice('GATE_ADDON_TOKEN='.length) ?? '';
    return { id, name: nameOf(Names[0] ?? id), token, runs: State === 'running' };
  }

  async #make(
    { slug, login }: AddonSpec,
    { image }: ContainerWanted,
    descriptor: Descriptor,
    signal: AbortSignal,
  ): Promise<Made> {
    const { engine, images, gatewayId } = this.#parts;
    await images.ensure(image, signal);
    signal.throwIfAborted();
    await ensureVolume(engine, gatewayId, slug);
    const options = descriptor.options(login.token);
    const id = await engine.createContainer(options);
    return { id, name: options.name ?? id, token: login.token, runs: false };
  }

  async #follow({ slug, addon }: AddonSpec, { id, name }: Made): Promise<RunningAddon> {
    const { engine, positions, logger, onLine } = this.#parts;
    const manifest = addon.manifest.runtime.container;
    const log = new ContainerLog({
      engine,
      positions,
      slug,
      container: id,
      onLine: (line) => onLine(slug, line),
      logger,
    });
    let probe: ServiceProbe | undefined;
    const run = new ContainerRun({
      engine,
      slug,
      container: { id, name },
      memoryMb: manifest?.memoryMb ?? 0,
      log,
      logger,
      onOver: () => {
        probe?.stop();
        if (this.#runs.get(slug) === run) this.#runs.delete(slug);
      },
    });
    this.#runs.set(slug, run);
    // it may have ended before anybody heard
    const found = await engine.inspect(id).catch(() => undefined);
    if (found && !found.State.Running) await run.noteEnd();
    else if (manifest?.service) {
      const host = found?.NetworkSettings.Networks[NETWORK]?.IPAddress ?? '';
      probe = this.#probe(addon, run, { host, ...manifest.service });
    }
    return run;
  }

  #probe(
    { manifest }: AddonPackage,
    run: ContainerRun,
    service: { host: string; port: number; path: string },
  ) {
    const { onService, probeLimits } = this.#parts;
    const { slug, version } = manifest;
    onService({ slug, state: 'started', version });
    const probe = new ServiceProbe({
      service,
      onUp: () => onService({ slug, state: 'running', version }),
      onDegraded: (reason) => onService({ slug, state: 'degraded', version, reason }),
      onHung: (reason) => this.#each(run.containerId, () => run.fail(reason)),
      ...(probeLimits ? { limits: probeLimits } : {}),
    });
    probe.start();
    return probe;
  }

  async #unhealthy(run: ContainerRun): Promise<void> {
    const found = await this.#parts.engine.inspect(run.containerId);
    const words = found?.State.Health?.Log?.at(-1)?.Output?.trim().slice(0, 200) ?? '';
    await run.fail(`its health check fails${words === '' ? '' : ` ("${words}")`}`);
  }

  /** That run, or all of them. */
  #each(id: string | undefined, act: (run: ContainerRun) => Promise<void>): void {
    for (const run of [...this.#runs.values()]) {
      if (id !== undefined && run.containerId !== id) continue;
      act(run).catch((error: unknown) =>
        this.#parts.logger.warn({ run: run.describe, err: error }, 'how a container is doing is not known'),
      );
    }
  }
}

/** The engine writes a slash before it. */
function nameOf(name: string): string {
  return name.replace(/^\//, '');
}
