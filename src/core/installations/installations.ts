/**
 * Installing, updating and removing a protocol's add-on: what can be done at all is begun at once, and followed to its
 * end by `InstallationJobs`. One beginning at a time.
 */
import { SerialQueue } from '../../lib/serial-queue.ts';
import { GatewayError } from '../../model/error.ts';
import type { JsonObject } from '../../model/json.ts';
import type { AddonCredentials, AddonLogin } from '../ports.ts';
import { type AddonPackage, isExternal } from '../protocols/addon-package.ts';
import type { ExternalLogins } from '../protocols/external-logins.ts';
import type { ProtocolView } from '../protocols/protocols.ts';
import { ContainerInstalls } from './container-installs.ts';
import { ContainerLeftovers } from './container-leftovers.ts';
import { ContainerUpdates, type ContainerUpdatesParts } from './container-updates.ts';
import { InstallationJobs, type InstallationJobsParts } from './installation-jobs.ts';

const CHANGES_WAITING_MAX = 50;

export interface InstallationsParts extends InstallationJobsParts {
  logins: ExternalLogins;
  credentials: AddonCredentials;
  /** Without them every add-on is a process. */
  containers?: Pick<ContainerUpdatesParts, 'containers' | 'trialMs'> | undefined;
}

/** What an update shall lead to; nothing named: whatever lies in the folder. */
export interface WantedUpdate {
  version?: string | undefined;
  image?: string | undefined;
}

export interface RemovalOptions {
  /** Although it has devices; they stay. */
  force?: boolean;
  /** The data of its container too. */
  data?: boolean;
}

export class Installations {
  readonly #parts: InstallationsParts;
  readonly #changes = new SerialQueue(CHANGES_WAITING_MAX);
  readonly #jobs: InstallationJobs;
  readonly #inContainers:
    | { installs: ContainerInstalls; updates: ContainerUpdates; leftovers: ContainerLeftovers }
    | undefined;

  constructor(parts: InstallationsParts) {
    this.#parts = parts;
    this.#jobs = new InstallationJobs(parts, this.#changes);
    const { containers } = parts;
    if (containers) {
      const all = { ...parts, ...containers };
      const leftovers = new ContainerLeftovers(all, this.#jobs);
      this.#inContainers = {
        installs: new ContainerInstalls(all, this.#jobs, this.#changes),
        updates: new ContainerUpdates(all, this.#jobs, leftovers),
        leftovers,
      };
    }
  }

  start(): void {
    this.#jobs.start();
    this.#inContainers?.leftovers.start();
  }

  stop(): void {
    this.#inContainers?.leftovers.stop();
    this.#jobs.stop();
  }

  /**
   * Begins an installation; `image`: as a container of it, whatever its manifest names. That of an add-on which others start has ended with it, and the login for it is in the
   * answer, this once.
   * @throws GatewayError notFound, conflict (installed, or something is under way), badRequest (parameters)
   */
  install(
    protocolId: string,
    parameters: JsonObject,
    image?: string,
  ): Promise<ProtocolView & Partial<AddonLogin>> {
    return this.#changes.run(() => this.#install(protocolId, parameters, image));
  }

  /**
   * Takes what lies in the add-on's folder now, and runs that.
   * @throws GatewayError notFound, conflict (not installed, something is under way, the folder has another version or
   * cannot be used, or it needs what this gateway does not have), badRequest (parameters that no longer fit)
   */
  update(protocolId: string, wanted: WantedUpdate): Promise<ProtocolView> {
    return this.#changes.run(() => this.#update(protocolId, wanted));
  }

  /** @throws GatewayError notFound, conflict */
  remove(protocolId: string, options: RemovalOptions = {}): Promise<ProtocolView> {
    return this.#changes.run(() => this.#remove(protocolId, options));
  }

  async #install(
    protocolId: string,
    parameters: JsonObject,
    image: string | undefined,
  ): Promise<ProtocolView & Partial<AddonLogin>> {
    const { protocols, logins } = this.#parts;
    const addon = protocols.package(protocolId);
    const { slug } = addon.manifest;
    this.#demandIdle(slug);
    const again = protocols.phase(slug)?.status === 'failed' && protocols.isInstalled(slug);
    const inContainers = this.#inContainers;
    // one that is there stays what it is: its data lie there
    if (inContainers && !again && !isExternal(addon.manifest)) {
      protocols.demandInstallable(slug);
      const checked = await protocols.checkParameters(addon, parameters);
      const choice = await this.#parts.containers?.containers.choose(addon, image);
      if (choice?.kind === 'container') {
        inContainers.installs.install(addon, checked, choice);
        return protocols.get(slug);
      }
    } else if (image !== undefined) {
      throw new GatewayError('conflict', `protocol "${slug}" cannot be installed as a container`, {
        hint: again ? 'remove it first: what is installed stays what it is' : 'others start its program',
      });
    }
    await protocols.install(slug, parameters);
    if (isExternal(addon.manifest)) {
      const login = await logins.renew(slug);
      return { ...protocols.get(slug), ...login };
    }
    this.#jobs.begin(slug, 'install', 'its program is being started');
    // one that waits for its next attempt is tried at once, with what it was given now
    if (again) protocols.replace(addon);
    return protocols.get(slug);
  }

  async #update(protocolId: string, wanted: WantedUpdate): Promise<ProtocolView> {
    const { protocols, shelf } = this.#parts;
    const before = protocols.installed(protocolId);
    const { slug } = before.manifest;
    this.#demandIdle(slug);
    this.#demandUpdatable(before, wanted);
    const found = await shelf.read(before);
    if (wanted.version !== undefined && wanted.version !== found.manifest.version) {
      throw new GatewayError(
        'conflict',
        `version ${wanted.version} of protocol "${slug}" is not there: its folder holds ${found.manifest.version}`,
        { hint: `put version ${wanted.version} into ${found.folder}, then ask again` },
      );
    }
    await protocols.checkParameters(found);
    if (protocols.records.container(slug)) {
      this.#updateContainer(before, found, wanted.image);
      return protocols.get(slug);
    }
    const { version } = found.manifest;
    this.#jobs.begin(slug, 'update', `from ${before.manifest.version} to ${version}`, { before });
    protocols.replace(found);
    return protocols.get(slug);
  }

  #updateContainer(before: AddonPackage, found: AddonPackage, wanted?: string): void {
    const { slug, runtime } = found.manifest;
    const image = wanted ?? runtime.container?.image;
    const { containers } = this.#parts;
    if (!containers || !this.#inContainers || image === undefined || !runtime.container) {
      throw new GatewayError(
        'conflict',
        `protocol "${slug}" runs as a container, and its manifest has none`,
        {
          hint: `put "runtime.container" back into the manifest in ${found.folder}`,
        },
      );
    }
    containers.containers.demandAllowed(image);
    this.#inContainers.updates.begin(before, found, image);
  }

  async #remove(protocolId: string, { force = false, data = false }: RemovalOptions): Promise<ProtocolView> {
    const { protocols, credentials } = this.#parts;
    const addon = protocols.package(protocolId);
    const { slug } = addon.manifest;
    this.#demandIdle(slug, 'remove');
    if (this.#jobs.kindOf(slug) === 'install' && !protocols.isInstalled(slug)) {
      // its image is still being fetched
      this.#jobs.fail(slug, 'it was given up: its removal was asked for');
      return protocols.get(slug);
    }
    protocols.demandRemovable(slug, { force });
    this.#jobs.abandon(slug);
    // begun first: what does not run is gone as soon as it is not wanted any more
    const held = protocols.records.container(slug);
    const installs = held && this.#inContainers?.installs;
    this.#jobs.begin(slug, 'remove', 'its program is being ended', {
      ...(installs ? { commit: () => installs.finishRemoval(slug) } : {}),
    });
    try {
      if (held) await installs?.noteRemoval(slug, held, data);
      await protocols.remove(slug, { force });
    } catch (error) {
      this.#jobs.abandon(slug);
      await installs?.voidRemoval(slug);
      throw error;
    }
    if (isExternal(addon.manifest)) credentials.revoke(slug);
    return protocols.get(slug);
  }

  /** @throws GatewayError conflict */
  #demandIdle(slug: string, wanted?: 'remove'): void {
    const kind = this.#jobs.kindOf(slug);
    if (!kind || (wanted === 'remove' && kind !== 'remove')) return;
    const what = { install: 'installed', update: 'updated', remove: 'removed' }[kind];
    throw new GatewayError('conflict', `protocol "${slug}" is being ${what} just now`, {
      hint: `wait until its status has changed: GET /device/v1/protocols/${slug}`,
    });
  }

  /** @throws GatewayError conflict for what this gateway cannot do */
  #demandUpdatable({ manifest }: AddonPackage, { image }: WantedUpdate): void {
    const { slug, runtime } = manifest;
    if (isExternal(manifest)) {
      throw new GatewayError(
        'conflict',
        `others start the add-on of protocol "${slug}": gate cannot update it`,
        {
          hint: 'update its program where it runs; a new manifest: DELETE the protocol and POST it again',
        },
      );
    }
    if (this.#parts.protocols.records.container(slug)) return;
    if (image !== undefined || !runtime.process) {
      const why = runtime.process
        ? 'it runs as a process, which has no image'
        : 'it only runs as a container';
      throw new GatewayError('conflict', `protocol "${slug}" cannot be updated to an image: ${why}`, {
        hint: 'put the new version into its folder, then PUT {"version": …}; or remove it and install it as a container',
      });
    }
  }
}
