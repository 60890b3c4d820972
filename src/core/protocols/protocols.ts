/**
 * The protocols: which add-ons there are (`AddonCatalogue`), which are installed (`InstalledProtocols`), and how each is
 * doing. The supervisor makes what is desired here true; the broker tells what each add-on says of itself. How an
 * installation goes is `Installations`' part.
 */
import type { Manifest } from '../../contract/manifest.ts';
import type { StateMessage } from '../../contract/messages.ts';
import { SUPPORTED_CONTRACTS } from '../../contract/version.ts';
import { GatewayError } from '../../model/error.ts';
import type { JsonObject } from '../../model/json.ts';
import type { InstalledContainer, InstalledProtocol } from '../../model/protocol.ts';
import type { Devices } from '../devices/devices.ts';
import { checkAgainst, type TypeCatalogue } from '../devices/type-catalogue.ts';
import type { GatewayEventBus } from '../events.ts';
import type { Health } from '../health.ts';
import type { AddonLink, Registry } from '../ports.ts';
import { AddonCatalogue } from './addon-catalogue.ts';
import { type AddonPackage, isExternal } from './addon-package.ts';
import { type DesiredAddon, desiredAddon } from './desired-addon.ts';
import { InstalledProtocols } from './installed-protocols.ts';
import { type InstallationPhase, type ProtocolView, protocolView } from './protocol-view.ts';

export type { AddonPackage } from './addon-package.ts';
export type { DesiredAddon } from './desired-addon.ts';
export type { ProtocolView } from './protocol-view.ts';

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
  /** What is on disk of those that are installed. */
  readonly records: InstalledProtocols;
  readonly #parts: ProtocolsParts;
  readonly #catalogue: AddonCatalogue;
  readonly #phases = new Map<string, InstallationPhase>();

  constructor(parts: ProtocolsParts) {
    this.#parts = parts;
    this.#catalogue = new AddonCatalogue(parts.types);
    this.records = new InstalledProtocols(parts);
  }

  /** Takes what lies on disk and what the registry says is installed; installs what comes preinstalled. */
  async start(packages: readonly AddonPackage[]): Promise<void> {
    const { events } = this.#parts;
    for (const addon of packages) this.#catalogue.put(addon);
    this.records.start();
    for (const record of [...this.records.all()]) await this.#endUpdate(record);
    for (const { manifest } of packages) if (manifest.preinstalled) await this.#preinstall(manifest.slug);
    for (const { slug } of this.records.all()) this.configure(slug);
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
    for (const record of this.records.all()) {
      const { slug } = record;
      const addon = this.#catalogue.bySlug(slug);
      if (!addon) {
        const reason = `add-on "${slug}" is installed, but its folder is gone`;
        this.#parts.health.report(partOf(slug), 'failed', reason);
      } else if (isExternal(addon.manifest) === external) {
        desired.push(desiredAddon(addon, record));
      }
    }
    return desired;
  }

  list(): ProtocolView[] {
    return [...this.#catalogue.all()].map(({ manifest }) => this.#view(manifest));
  }

  /** By id or slug. @throws GatewayError notFound */
  get(protocolId: string): ProtocolView {
    return this.#view(this.#catalogue.get(protocolId).manifest);
  }

  /** Its add-on, by id or slug. @throws GatewayError notFound */
  package(protocolId: string): AddonPackage {
    return this.#catalogue.get(protocolId);
  }

  isInstalled(slug: string): boolean {
    return this.records.has(slug);
  }

  /** As `package`. @throws GatewayError notFound, conflict when it is not installed */
  installed(protocolId: string): AddonPackage {
    const addon = this.#catalogue.get(protocolId);
    const { slug } = addon.manifest;
    if (this.records.has(slug)) return addon;
    throw new GatewayError('conflict', `protocol "${slug}" is not installed`, {
      hint: `install it: POST /device/v1/protocols/${slug}/installation`,
    });
  }

  /** The add-on of this id or slug, undefined where neither is taken. */
  find(name: string): AddonPackage | undefined {
    return this.#catalogue.find(name);
  }

  /** One more add-on. Its id and slug must be free. */
  add(addon: AddonPackage): void {
    this.#catalogue.put(addon);
  }

  /** Forgets an add-on that is not installed. */
  drop(slug: string): void {
    this.#catalogue.drop(slug);
    this.#phases.delete(slug);
  }

  /** Another form of an add-on takes its place, also where it runs. */
  replace(addon: AddonPackage): void {
    this.#catalogue.put(addon);
    this.#parts.events.emit('protocolsChanged', { slug: addon.manifest.slug });
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
    const given = parameters ?? this.records.get(slug)?.parameters ?? {};
    return checkAgainst(schema, given, `parameters of ${name}`);
  }

  /** @throws GatewayError notFound, conflict, badRequest (parameters) */
  async install(
    protocolId: string,
    parameters: JsonObject,
    container?: InstalledContainer,
  ): Promise<ProtocolView> {
    const addon = this.#catalogue.get(protocolId);
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
    if (!this.records.has(slug) || this.#phases.get(slug)?.status === 'failed') return;
    throw new GatewayError('conflict', `protocol "${slug}" is installed already`, {
      hint: 'remove it first',
    });
  }

  /** Why its add-on's last run ended, or could not begin. */
  lastFailure(slug: string): string | undefined {
    return this.#parts.health.part(partOf(slug))?.lastFailure;
  }

  /** `force`: its devices stay, and nobody speaks to them. @throws GatewayError notFound, conflict (it has devices) */
  async remove(protocolId: string, { force = false } = {}): Promise<void> {
    const { slug } = this.#catalogue.get(protocolId).manifest;
    this.demandRemovable(slug, { force });
    await this.records.remove(slug);
    this.#parts.health.forget(partOf(slug));
    this.#parts.events.emit('protocolsChanged', { slug });
  }

  /** @throws GatewayError conflict: it is not installed, or has devices and `force` is not given */
  demandRemovable(slug: string, { force }: { force: boolean }): void {
    if (!this.records.has(slug)) throw new GatewayError('conflict', `protocol "${slug}" is not installed`);
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

  /** Sends an add-on its parameters and devices. */
  configure(slug: string): void {
    const installed = this.records.get(slug);
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
    const addon = this.#catalogue.bySlug(slug);
    if (!this.records.has(slug)) return;
    // how a process ends is its supervisor's to say
    if (state !== 'stopped') health.report(partOf(slug), state, reason);
    else if (addon && isExternal(addon.manifest))
      health.report(partOf(slug), state, reason ?? 'its program was ended in order');
    events.emit('addonStateReported', { slug, state, reason });
  }

  /** One that was interrupted goes back to what ran: whether the new version runs well was not known yet. */
  async #endUpdate(record: InstalledProtocol): Promise<void> {
    const { slug, container } = record;
    if (!container?.candidate) return;
    const { candidate, stale = [], ...kept } = container;
    await this.records.save({ ...record, container: { ...kept, stale: [...stale, candidate] } });
    const failure = `it was interrupted; ${kept.image.name} is back`;
    this.setPhase(slug, { status: 'installed', reason: `the update to ${candidate.name}: ${failure}` });
    this.#parts.events.emit('updateEnded', { of: slug, version: candidate.name, failure });
  }

  /** Once in a box's life: a protocol that a person removed stays removed. */
  async #preinstall(slug: string): Promise<void> {
    const mark = `preinstalled:${slug}`;
    if (this.#parts.registry.kept(mark) !== undefined) return;
    if (!this.records.has(slug)) await this.#install(slug, {});
    await this.#parts.registry.keep(mark, () => 'done');
  }

  #install(slug: string, parameters: JsonObject, container?: InstalledContainer): Promise<void> {
    const installedAt = this.#parts.now();
    return this.records.save({ slug, parameters, installedAt, ...(container ? { container } : {}) });
  }

  #view(manifest: Manifest): ProtocolView {
    const { slug } = manifest;
    return protocolView(manifest, {
      installed: this.records.has(slug),
      phase: this.#phases.get(slug),
      health: this.#parts.health.part(partOf(slug)),
      image: this.records.container(slug)?.image,
    });
  }
}

/** Name of an add-on's line in `/health/ready`. */
export function partOf(slug: string): string {
  return `addon:${slug}`;
}
