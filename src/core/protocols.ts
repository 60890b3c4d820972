/**
 * The protocols: which add-ons there are (manifests), which are installed, and how each is doing. The supervisor
 * makes what is desired here true; the broker tells what each add-on says of itself.
 */

import type { Manifest } from '../contract/manifest.ts';
import type { StateMessage } from '../contract/messages.ts';
import { SUPPORTED_CONTRACTS } from '../contract/version.ts';
import { GatewayError } from '../model/error.ts';
import type { PartState } from '../model/health.ts';
import type { JsonObject } from '../model/json.ts';
import type { Devices } from './devices.ts';
import type { GatewayEventBus } from './events.ts';
import type { Health } from './health.ts';
import type { AddonLink, Registry } from './ports.ts';
import { checkAgainst, type TypeCatalogue, type TypesOfProtocol } from './type-catalogue.ts';

/** An add-on found on disk: its manifest, its folder and the types it brings. */
export interface AddonPackage {
  manifest: Manifest;
  folder: string;
  types: TypesOfProtocol;
}

/** What shall run: the supervisor's target. */
export interface DesiredAddon {
  slug: string;
  addon: AddonPackage;
  parameters: JsonObject;
}

export interface ProtocolView {
  id: string;
  name: string;
  slug: string;
  status: 'installed' | 'notInstalled';
  /** The add-on's state: process and link together; `stopped` when it is not installed. */
  state: PartState;
  reason?: string;
  /** What its add-on can be asked to do, by name; left out where there is nothing. */
  actions?: Manifest['actions'];
}

export interface ProtocolsParts {
  registry: Registry;
  devices: Devices;
  types: TypeCatalogue;
  link: AddonLink;
  health: Health;
  events: GatewayEventBus;
  now: () => number;
}

export class Protocols {
  readonly #parts: ProtocolsParts;
  readonly #packages = new Map<string, AddonPackage>();
  readonly #installed = new Map<string, { parameters: JsonObject }>();

  constructor(parts: ProtocolsParts) {
    this.#parts = parts;
  }

  /** Takes what lies on disk and what the registry says is installed; installs what comes preinstalled. */
  async start(packages: readonly AddonPackage[]): Promise<void> {
    const { registry, types, events } = this.#parts;
    for (const addon of packages) {
      this.#packages.set(addon.manifest.slug, addon);
      types.replace(addon.manifest.slug, typesOf(addon));
    }
    for (const { slug, parameters } of registry.protocols()) this.#installed.set(slug, { parameters });
    for (const { manifest } of packages) if (manifest.preinstalled) await this.#preinstall(manifest.slug);
    for (const slug of this.#installed.keys()) this.configure(slug);
    const configure = ({ device }: { device: { protocol?: string | undefined } }) => {
      if (device.protocol !== undefined) this.configure(device.protocol);
    };
    events.on('deviceAdded', configure);
    events.on('deviceChanged', configure);
    events.on('deviceRemoved', configure);
  }

  desired(): DesiredAddon[] {
    const desired: DesiredAddon[] = [];
    for (const [slug, { parameters }] of this.#installed) {
      const addon = this.#packages.get(slug);
      if (addon) desired.push({ slug, addon, parameters });
      else
        this.#parts.health.report(
          partOf(slug),
          'failed',
          `add-on "${slug}" is installed, but its folder is gone`,
        );
    }
    return desired;
  }

  list(): ProtocolView[] {
    return [...this.#packages.values()].map(({ manifest }) => this.#view(manifest));
  }

  /** By id or slug. @throws GatewayError notFound */
  get(protocolId: string): ProtocolView {
    return this.#view(this.#find(protocolId).manifest);
  }

  /** Its add-on, by id or slug. @throws GatewayError notFound */
  package(protocolId: string): AddonPackage {
    return this.#find(protocolId);
  }

  /** As `package`. @throws GatewayError notFound, conflict when it is not installed */
  installed(protocolId: string): AddonPackage {
    const addon = this.#find(protocolId);
    const { slug } = addon.manifest;
    if (this.#installed.has(slug)) return addon;
    throw new GatewayError('conflict', `protocol "${slug}" is not installed`, {
      hint: `install it: POST /device/v1/protocols/${slug}/installation`,
    });
  }

  /** @throws GatewayError notFound, conflict, badRequest (parameters) */
  async install(protocolId: string, parameters: JsonObject): Promise<ProtocolView> {
    const { manifest } = this.#find(protocolId);
    if (this.#installed.has(manifest.slug)) {
      throw new GatewayError('conflict', `protocol "${manifest.slug}" is installed already`, {
        hint: 'remove it first',
      });
    }
    await this.#install(
      manifest.slug,
      await checkAgainst(manifest.parameters, parameters, `parameters of ${manifest.name}`),
    );
    this.configure(manifest.slug);
    this.#parts.events.emit('protocolsChanged', { slug: manifest.slug });
    return this.#view(manifest);
  }

  /** @throws GatewayError notFound, conflict (it still has devices) */
  async remove(protocolId: string): Promise<void> {
    const { manifest } = this.#find(protocolId);
    const { slug } = manifest;
    if (!this.#installed.has(slug)) throw new GatewayError('conflict', `protocol "${slug}" is not installed`);
    const count = this.#parts.devices.configOf(slug).length;
    if (count > 0)
      throw new GatewayError('conflict', `protocol "${slug}" has ${count} devices`, {
        hint: 'delete them first',
      });
    await this.#parts.registry.removeProtocol(slug);
    this.#installed.delete(slug);
    this.#parts.health.forget(partOf(slug));
    this.#parts.events.emit('protocolsChanged', { slug });
  }

  /** Sends an add-on its parameters and devices. */
  configure(slug: string): void {
    const installed = this.#installed.get(slug);
    if (!installed) return;
    this.#parts.link.configure(slug, {
      parameters: installed.parameters,
      devices: this.#parts.devices.configOf(slug),
    });
  }

  /** What an add-on says of itself. @throws GatewayError badMessage for a contract that gate does not speak */
  reportState(slug: string, message: StateMessage): void {
    if (!SUPPORTED_CONTRACTS.includes(message.contract)) {
      const reason = `it speaks add-on contract ${message.contract}; this gateway speaks ${SUPPORTED_CONTRACTS.join(', ')}`;
      this.#parts.health.report(partOf(slug), 'failed', reason);
      throw new GatewayError('badMessage', reason);
    }
    // `stopped` is also the will of a connection that broke: how a process ends is its supervisor's to say
    if (this.#installed.has(slug) && message.state !== 'stopped')
      this.#parts.health.report(partOf(slug), message.state, message.reason);
  }

  #find(protocolId: string): AddonPackage {
    for (const addon of this.#packages.values()) {
      if (addon.manifest.id === protocolId || addon.manifest.slug === protocolId) return addon;
    }
    throw new GatewayError('notFound', `there is no protocol "${protocolId}"`, {
      hint: 'GET /device/v1/protocols lists them',
    });
  }

  /** Once in a box's life: a protocol that a person removed stays removed. */
  async #preinstall(slug: string): Promise<void> {
    const mark = `preinstalled:${slug}`;
    if (this.#parts.registry.kept(mark) !== undefined) return;
    if (!this.#installed.has(slug)) await this.#install(slug, {});
    await this.#parts.registry.keep(mark, () => 'done');
  }

  async #install(slug: string, parameters: JsonObject): Promise<void> {
    await this.#parts.registry.saveProtocol({ slug, parameters, installedAt: this.#parts.now() });
    this.#installed.set(slug, { parameters });
  }

  #view({ id, name, slug, actions = {} }: Manifest): ProtocolView {
    const health = this.#parts.health.part(partOf(slug));
    return {
      id,
      name,
      slug,
      status: this.#installed.has(slug) ? 'installed' : 'notInstalled',
      state: health?.state ?? 'stopped',
      ...(health?.reason === undefined ? {} : { reason: health.reason }),
      ...(Object.keys(actions).length === 0 ? {} : { actions }),
    };
  }
}

/** A manifest may call its protocol by the slug: to the outside it has its id. */
function typesOf({ manifest, types }: AddonPackage): TypesOfProtocol {
  const protocols = [manifest.id];
  if (!('load' in types)) return types.map((type) => ({ ...type, protocols }));
  return {
    load: async () => {
      const list = await types.load();
      for (const type of list) type.protocols = protocols;
      return list;
    },
  };
}

/** Name of an add-on's line in `/health/ready`. */
export function partOf(slug: string): string {
  return `addon:${slug}`;
}
