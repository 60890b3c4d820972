/**
 * Add-ons of others, registered by their manifest while the gateway runs, and taken away again.
 */
import { type Manifest, manifestSchema } from '../../contract/manifest.ts';
import { SUPPORTED_CONTRACTS } from '../../contract/version.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import { type FieldError, GatewayError } from '../../model/error.ts';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { parseWith } from '../../model/parse.ts';
import type { Devices } from '../devices/devices.ts';
import { schemaProblem } from '../devices/type-catalogue.ts';
import type { Installations } from '../installations/installations.ts';
import type { AddonLogin, AddonShelf } from '../ports.ts';
import { isExternal } from './addon-package.ts';
import type { Protocols, ProtocolView } from './protocols.ts';

/** Add-ons that one gateway knows, its own included. */
export const PROTOCOLS_MAX = 200;
const CHANGES_WAITING_MAX = 20;

export interface ForeignAddonsParts {
  protocols: Protocols;
  devices: Devices;
  installations: Installations;
  shelf: AddonShelf;
}

export class ForeignAddons {
  readonly #parts: ForeignAddonsParts;
  readonly #changes = new SerialQueue(CHANGES_WAITING_MAX);

  constructor(parts: ForeignAddonsParts) {
    this.#parts = parts;
  }

  /**
   * Registers an add-on by its manifest. One that others start is installed with it where it needs no parameters, and
   * the answer holds its login, this once.
   * @throws GatewayError badRequest naming each problem, conflict (its id or slug is taken, too many)
   */
  register(input: unknown): Promise<ProtocolView & Partial<AddonLogin>> {
    return this.#changes.run(() => this.#register(input));
  }

  /**
   * Takes an add-on of others away, its installation too. Files other than its manifest stay.
   * @throws GatewayError notFound, forbidden (it comes with gate), conflict (it has devices, and no `force`)
   */
  remove(protocolId: string, options: { force?: boolean } = {}): Promise<void> {
    return this.#changes.run(() => this.#remove(protocolId, options));
  }

  async #register(input: unknown): Promise<ProtocolView & Partial<AddonLogin>> {
    const { protocols, shelf, installations } = this.#parts;
    const manifest = await checkedManifest(input);
    const { id, slug } = manifest;
    this.#demandFree(manifest);
    const addon = await shelf.add(manifest);
    protocols.add(addon);
    const needsNothing = await protocols.checkParameters(addon, {}).then(
      () => true,
      () => false,
    );
    if (!isExternal(manifest) || !needsNothing) return protocols.get(id);
    return installations.install(slug, {});
  }

  async #remove(protocolId: string, { force = false }: { force?: boolean }): Promise<void> {
    const { protocols, devices, shelf, installations } = this.#parts;
    const addon = protocols.package(protocolId);
    const { slug } = addon.manifest;
    shelf.demandForeign(addon);
    const count = devices.configOf(slug).length;
    if (count > 0 && !force) {
      throw new GatewayError(
        'conflict',
        `protocol "${slug}" has ${count} ${count === 1 ? 'device' : 'devices'}`,
        {
          hint: 'delete them first; with ?force=true they stay, and nobody speaks to them any more',
        },
      );
    }
    if (protocols.isInstalled(slug)) await installations.remove(slug, { force });
    await shelf.drop(addon);
    protocols.drop(slug);
  }

  #demandFree({ id, slug }: Manifest): void {
    const { protocols } = this.#parts;
    for (const name of new Set([id, slug])) {
      const taken = protocols.find(name)?.manifest.slug;
      if (taken === undefined) continue;
      const external = isExternal(protocols.package(taken).manifest);
      const hint = external ? `POST /device/v1/protocols/${taken}/token for a new token; ` : '';
      throw new GatewayError('conflict', `"${name}" already names protocol "${taken}"`, {
        hint: `${hint}DELETE /device/v1/protocols/${taken} takes it away`,
      });
    }
    if (protocols.list().length < PROTOCOLS_MAX) return;
    throw new GatewayError('conflict', `this gateway knows ${PROTOCOLS_MAX} protocols already`, {
      hint: 'remove one that is not used',
    });
  }
}

/** The whole of a manifest, its schemas too. @throws GatewayError badRequest naming each problem */
async function checkedManifest(input: unknown): Promise<Manifest> {
  const manifest = parseWith(manifestSchema, input, 'manifest');
  const errors: FieldError[] = [];
  if (!SUPPORTED_CONTRACTS.includes(manifest.contract)) {
    const message = `must be ${SUPPORTED_CONTRACTS.join(' or ')}: this gateway speaks no other`;
    errors.push({ field: 'contract', message });
  }
  const { process, container, external } = manifest.runtime;
  if (!process && !container && !external)
    errors.push({ field: 'runtime', message: 'must have process, container or external' });
  if (isExternal(manifest) && !Array.isArray(manifest.types))
    errors.push({
      field: 'types',
      message: 'must be a list: an add-on that others start has no folder here',
    });
  if (manifest.preinstalled)
    errors.push({ field: 'preinstalled', message: 'is for add-ons that come with gate' });
  for (const [field, schema] of schemasOf(manifest)) {
    const problem = await schemaProblem(schema);
    if (problem !== undefined) errors.push({ field, message: `is no JSON Schema: ${problem}` });
  }
  const [first] = errors;
  if (!first) return manifest;
  throw new GatewayError('badRequest', `manifest: "${first.field}" ${first.message}`, { errors });
}

/** Each with the field it lies in. */
function schemasOf({ parameters, types, actions = {} }: Manifest): [string, JsonObject][] {
  const found: [string, JsonObject][] = [['parameters', parameters]];
  for (const [name, action] of Object.entries(actions)) {
    found.push([`actions.${name}.parameters`, action.parameters]);
  }
  if (Array.isArray(types)) {
    types.forEach((type, index) => {
      if (isJsonObject(type.parameters)) found.push([`types.${index}.parameters`, type.parameters]);
      if (isJsonObject(type.settable)) found.push([`types.${index}.settable`, type.settable]);
    });
  }
  return found;
}
