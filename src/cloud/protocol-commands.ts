/** What the cloud asks of protocols. How each ends is told as a report. */
import { isDeepStrictEqual } from 'node:util';
import type { Installations } from '../core/installations/installations.ts';
import type { AddonPackage } from '../core/protocols/addon-package.ts';
import type { Protocols } from '../core/protocols/protocols.ts';
import { GatewayError } from '../model/error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { installProtocolSchema, messageOf, updateProtocolSchema } from './messages.ts';
import type { CloudReports } from './reports.ts';

export interface ProtocolCommandsParts {
  protocols: Protocols;
  installations: Installations;
  reports: CloudReports;
}

export class ProtocolCommands {
  readonly #parts: ProtocolCommandsParts;

  constructor(parts: ProtocolCommandsParts) {
    this.#parts = parts;
  }

  /** @throws GatewayError; what is wrong is told as a report where the protocol's name can be read */
  async install(value: JsonValue, demandInTime: (deadline?: number) => void): Promise<void> {
    const { installations, reports } = this.#parts;
    try {
      const { protocolRecord, parameters, deadline } = messageOf(installProtocolSchema, value);
      demandInTime(deadline);
      const { slug } = this.#find(protocolRecord).manifest;
      if (await this.#isThere(slug, parameters)) await reports.installedAlready(slug);
      else await installations.install(slug, parameters);
    } catch (error) {
      const named = nameIn(value);
      if (named) await reports.refusedInstallation({ ...named, error });
      throw error;
    }
  }

  /** Each image for itself: one that cannot be had keeps no other back. */
  async update(value: JsonValue): Promise<void> {
    const { installations, reports } = this.#parts;
    for (const { id: image, slug: name } of messageOf(updateProtocolSchema, value)) {
      try {
        if (image.slice(0, image.lastIndexOf(':')) !== name)
          throw new GatewayError('badRequest', `"${image}" is not a version of the image "${name}"`);
        const protocol = this.#ofImage(name);
        await installations.update(protocol.manifest.slug, { image });
      } catch (error) {
        const found = this.#parts.protocols.list().length > 0 ? this.#slugOfImage(name) : undefined;
        const protocolId = found?.id ?? name;
        await reports.refusedInstallation({ slug: found?.slug ?? name, protocolId, error });
      }
    }
  }

  /** By slug, or by the id that the cloud knows. @throws GatewayError notFound, badRequest when they differ */
  #find({ id, slug }: { id: string; slug: string }): AddonPackage {
    const { protocols } = this.#parts;
    const [bySlug, byId] = [protocols.find(slug), protocols.find(id)];
    if (bySlug && byId && bySlug !== byId) {
      throw new GatewayError('badRequest', `protocol "${slug}" does not have the id "${id}" here`);
    }
    return bySlug ?? byId ?? protocols.package(slug);
  }

  async #isThere(slug: string, parameters: JsonObject): Promise<boolean> {
    const { protocols } = this.#parts;
    if (!protocols.isInstalled(slug) || protocols.phase(slug)?.status === 'failed') return false;
    const desired = [...protocols.desired(), ...protocols.desired({ external: true })];
    const there = desired.find((each) => each.slug === slug);
    if (!there) return false;
    return isDeepStrictEqual(await protocols.checkParameters(there.addon, parameters), there.parameters);
  }

  /** @throws GatewayError notFound */
  #ofImage(name: string): AddonPackage {
    const found = this.#slugOfImage(name);
    if (found) return this.#parts.protocols.package(found.slug);
    throw new GatewayError('notFound', `no protocol of this gateway runs the image "${name}"`);
  }

  #slugOfImage(name: string): { id: string; slug: string } | undefined {
    const { protocols } = this.#parts;
    return protocols.list().find(({ slug, image }) => {
      const { runtime } = protocols.package(slug).manifest;
      return [image?.name, runtime.container?.image].some((each) => imageName(each) === name);
    });
  }
}

/** Without its tag; a registry may have a port. */
function imageName(image: string | undefined): string | undefined {
  return image?.replace(/:[^:/]+$/, '');
}

function nameIn(value: JsonValue): { slug: string; protocolId: string } | undefined {
  if (!isJsonObject(value) || !isJsonObject(value['protocolRecord'])) return undefined;
  const { id, slug } = value['protocolRecord'];
  if (typeof slug !== 'string') return undefined;
  return {
    slug: slug.slice(0, 64),
    protocolId: typeof id === 'string' ? id.slice(0, 64) : slug.slice(0, 64),
  };
}
