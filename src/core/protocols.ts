/**
 * The protocols: which add-ons there are (manifests), which are installed, and how each is doing. The supervisor
 * makes what is desired here true; the broker tells what each add-on says of itself. How an installation goes is
 * `Installations`' part.
 */

import type { Manifest } from '../contract/manifest.ts';
import type { StateMessage } from '../contract/messages.ts';
import { SUPPORTED_CONTRACTS } from '../contract/version.ts';
import type { SecretHash } from '../model/client.ts';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import type { InstalledContainer, InstalledProtocol } from '../model/protocol.ts';
import { type AddonPackage, isExternal } from './addon-package.ts';
import type { Devices } from './devices.ts';
import type { GatewayEventBus } from './events.ts';
import type { Health } from './health.ts';
import type { AddonLink, Registry } from './ports.ts';
import { type InstallationPhase, type ProtocolView, protocolView } from './protocol-view.ts';
import { checkAgainst, type TypeCatalogue, type TypesOfProtocol } from './type-catalogue.ts';

export type { AddonPackage } from './addon-package.ts';
export type { ProtocolView } from './protocol-view.ts';

/** What shall run: the supervisor's target. */
export interface DesiredAddon {
  slug: string;
  addon: AddonPackage;
  parameters: JsonObject;
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
  readonly #installed = new Map<string, InstalledProtocol>();
  readonly #phases = new Map<string, InstallationPhase>();

  constructor(parts: ProtocolsParts) {
    this.#parts = parts;
  }

  /** Takes what lies on disk and what the registry says is installed; installs what comes preinstalled. */
  async start(packages: readonly AddonPackage[]): Promise<void> {
    const { registry, events } = this.#parts;
    for (const addon of packages) this.#take(addon);
    for (const record of registry.protocols()) await this.#takeInstalled(record);
    for (const { manifest } of packages) if (manifest.preinstalled) await this.#preinstall(manifest.slug);
    for (const slug of this.#installed.keys()) this.configure(slug);
    const configure = ({ device }: { device: { protocol?: string | undefined } }) => {
      if (device.protocol !== undefined) this.configure(device.protocol);
    };
    events.on('deviceAdded', configure);
    events.on('deviceChanged', configure);
    events.on('deviceRemoved', configure);
  }

  /** What shall run; `external`: what somebody else starts, in place of what gate does. */
  desired({ external = false } = {}): DesiredAddon[] {
    const desired: DesiredAddon[] = [];
    for (const [slug, { parameters, container }] of this.#installed) {
      const addon = this.#packages.get(slug);
      if (!addon) {
        const reason = `add-on "${slug}" is installed, but its folder is gone`;
        this.#parts.health.report(partOf(slug), 'failed', reason);
      } else if (isExternal(addon.manifest) === external) {
        desired.push({ slug, addon: asInstalled(addon, container, parameters), parameters });
      }
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

  isInstalled(slug: string): boolean {
    return this.#installed.has(slug);
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

  /** The add-on of this id or slug, undefined where neither is taken. */
  find(name: string): AddonPackage | undefined {
    for (const addon of this.#packages.values()) {
      if (addon.manifest.id === name || addon.manifest.slug === name) return addon;
    }
    return undefined;
  }

  /** One more add-on. Its id and slug must be free. */
  add(addon: AddonPackage): void {
    this.#take(addon);
  }

  /** Forgets an add-on that is not installed. */
  drop(slug: string): void {
    this.#packages.delete(slug);
    this.#phases.delete(slug);
    this.#parts.types.replace(slug, []);
  }

  /** Another form of an add-on takes its place, also where it runs. */
  replace(addon: AddonPackage): void {
    const { slug } = addon.manifest;
    const generation = (this.#packages.get(slug)?.generation ?? 0) + 1;
    this.#take({ ...addon, generation });
    this.#parts.events.emit('protocolsChanged', { slug });
  }

  /** Where its installation stands; undefined: it is installed, or not, and there is nothing else to say. */
  setPhase(slug: string, phase: InstallationPhase | undefined): void {
    if (phase) this.#phases.set(slug, phase);
    else this.#phases.delete(slug);
  }

  phase(slug: string): InstallationPhase | undefined {
    return this.#phases.get(slug);
  }

  /** Checks the parameters of a protocol, and fills in the defaults. @throws GatewayError notFound, badRequest */
  async checkParameters(addon: AddonPackage, parameters?: JsonObject): Promise<JsonObject> {
    const { slug, name, parameters: schema } = addon.manifest;
    const given = parameters ?? this.#installed.get(slug)?.parameters ?? {};
    return checkAgainst(schema, given, `parameters of ${name}`);
  }

  /** @throws GatewayError notFound, conflict, badRequest (parameters) */
  async install(
    protocolId: string,
    parameters: JsonObject,
    container?: InstalledContainer,
  ): Promise<ProtocolView> {
    const addon = this.#find(protocolId);
    const { manifest } = addon;
    const { slug } = manifest;
    this.demandInstallable(slug);
    await this.#install(slug, await this.checkParameters(addon, parameters), container);
    this.configure(slug);
    this.#parts.events.emit('protocolsChanged', { slug });
    return this.#view(manifest);
  }

  /** @throws GatewayError conflict: it is installed, and not as one that failed */
  demandInstallable(slug: string): void {
    if (!this.#installed.has(slug) || this.#phases.get(slug)?.status === 'failed') return;
    throw new GatewayError('conflict', `protocol "${slug}" is installed already`, {
      hint: 'remove it first',
    });
  }

  /** Why its add-on's last run ended, or could not begin. */
  lastFailure(slug: string): string | undefined {
    return this.#parts.health.part(partOf(slug))?.lastFailure;
  }

  /** Its images, where it is installed as a container. */
  container(slug: string): InstalledContainer | undefined {
    return this.#installed.get(slug)?.container;
  }

  /** What is run of it is changed, on disk first. @throws GatewayError conflict when it is not installed (any more) */
  async setContainer(slug: string, container: InstalledContainer): Promise<void> {
    const record = this.#installed.get(slug);
    if (!record) throw new GatewayError('conflict', `protocol "${slug}" is not installed`);
    const changed = { ...record, container };
    await this.#parts.registry.saveProtocol(changed);
    this.#installed.set(slug, changed);
    this.#parts.events.emit('protocolsChanged', { slug });
  }

  /** Images that installed protocols run, try or keep. */
  imagesInUse(): Set<string> {
    const containers = [...this.#installed.values()].map(({ container }) => container);
    const images = containers.flatMap((held) => [held?.image, held?.candidate, held?.previous]);
    return new Set(images.flatMap((image) => (image ? [image.id] : [])));
  }

  /** `force`: its devices stay, and nobody speaks to them. @throws GatewayError notFound, conflict (it has devices) */
  async remove(protocolId: string, { force = false } = {}): Promise<void> {
    const { slug } = this.#find(protocolId).manifest;
    this.demandRemovable(slug, { force });
    await this.#parts.registry.removeProtocol(slug);
    this.#installed.delete(slug);
    this.#parts.health.forget(partOf(slug));
    this.#parts.events.emit('protocolsChanged', { slug });
  }

  /** @throws GatewayError conflict: it is not installed, or has devices and `force` is not given */
  demandRemovable(slug: string, { force }: { force: boolean }): void {
    if (!this.#installed.has(slug)) throw new GatewayError('conflict', `protocol "${slug}" is not installed`);
    const count = this.#parts.devices.configOf(slug).length;
    if (count === 0 || force) return;
    throw new GatewayError(
      'conflict',
      `protocol "${slug}" has ${count} ${count === 1 ? 'device' : 'devices'}`,
      {
        hint: 'delete them first; with ?force=true they stay, and nobody speaks to them any more',
      },
    );
  }

  /** How an add-on that somebody else starts logs in; undefined where it may not. */
  login(slug: string): SecretHash | undefined {
    return this.#installed.get(slug)?.login;
  }

  /** @throws GatewayError conflict when it is not installed (any more) */
  async setLogin(slug: string, login: SecretHash | undefined): Promise<void> {
    const record = this.#installed.get(slug);
    if (!record) throw new GatewayError('conflict', `protocol "${slug}" is not installed`);
    const { login: _, ...rest } = record;
    const changed = login === undefined ? rest : { ...rest, login };
    await this.#parts.registry.saveProtocol(changed);
    this.#installed.set(slug, changed);
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
    const { health, events } = this.#parts;
    if (!SUPPORTED_CONTRACTS.includes(message.contract)) {
      const reason = `it speaks add-on contract ${message.contract}; this gateway speaks ${SUPPORTED_CONTRACTS.join(', ')}`;
      health.report(partOf(slug), 'failed', reason);
      throw new GatewayError('badMessage', reason);
    }
    const { state, reason } = message;
    const addon = this.#packages.get(slug);
    if (!this.#installed.has(slug)) return;
    // how a process ends is its supervisor's to say
    if (state !== 'stopped') health.report(partOf(slug), state, reason);
    else if (addon && isExternal(addon.manifest))
      health.report(partOf(slug), state, reason ?? 'its program was ended in order');
    events.emit('addonStateReported', { slug, state, reason });
  }

  #find(protocolId: string): AddonPackage {
    const addon = this.find(protocolId);
    if (addon) return addon;
    throw new GatewayError('notFound', `there is no protocol "${protocolId}"`, {
      hint: 'GET /device/v1/protocols lists them',
    });
  }

  /** An update that was interrupted goes back to what ran: whether the new one runs well was not known yet. */
  async #takeInstalled(record: InstalledProtocol): Promise<void> {
    const { slug, container } = record;
    this.#installed.set(slug, record);
    if (!container?.candidate) return;
    const { candidate, stale = [], ...kept } = container;
    const changed = { ...record, container: { ...kept, stale: [...stale, candidate] } };
    await this.#parts.registry.saveProtocol(changed);
    this.#installed.set(slug, changed);
    const failure = `it was interrupted; ${kept.image.name} is back`;
    this.setPhase(slug, { status: 'installed', reason: `the update to ${candidate.name}: ${failure}` });
    this.#parts.events.emit('updateEnded', { of: slug, version: candidate.name, failure });
  }

  #take(addon: AddonPackage): void {
    const { slug } = addon.manifest;
    this.#packages.set(slug, addon);
    this.#parts.types.replace(slug, typesOf(addon));
  }

  /** Once in a box's life: a protocol that a person removed stays removed. */
  async #preinstall(slug: string): Promise<void> {
    const mark = `preinstalled:${slug}`;
    if (this.#parts.registry.kept(mark) !== undefined) return;
    if (!this.#installed.has(slug)) await this.#install(slug, {});
    await this.#parts.registry.keep(mark, () => 'done');
  }

  async #install(slug: string, parameters: JsonObject, container?: InstalledContainer): Promise<void> {
    const installedAt = this.#parts.now();
    const record: InstalledProtocol = { slug, parameters, installedAt, ...(container ? { container } : {}) };
    await this.#parts.registry.saveProtocol(record);
    this.#installed.set(slug, record);
  }

  #view(manifest: Manifest): ProtocolView {
    const { slug } = manifest;
    return protocolView(manifest, {
      installed: this.#installed.has(slug),
      phase: this.#phases.get(slug),
      health: this.#parts.health.part(partOf(slug)),
      image: this.#installed.get(slug)?.container?.image,
    });
  }
}

/** With what its container is made from, where it is installed as one; a candidate takes the place of what ran. */
function asInstalled(
  addon: AddonPackage,
  container: InstalledContainer | undefined,
  parameters: JsonObject,
): AddonPackage {
  if (!container) return addon;
  const { image, candidate } = container;
  const standby = candidate && image;
  return { ...addon, container: { image: candidate ?? image, standby, parameters } };
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
    find: async (typeId) => {
      const type = await types.find(typeId);
      return type && { ...type, protocols };
    },
  };
}

/** Name of an add-on's line in `/health/ready`. */
export function partOf(slug: string): string {
  return `addon:${slug}`;
}
