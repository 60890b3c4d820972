/** The add-ons that there are, installed or not, each under its id and its slug; with each go the device types it brings. */
import { GatewayError } from '../../model/error.ts';
import type { TypeCatalogue, TypesOfProtocol } from '../devices/type-catalogue.ts';
import type { AddonPackage } from './addon-package.ts';

export class AddonCatalogue {
  readonly #types: TypeCatalogue;
  readonly #packages = new Map<string, AddonPackage>();

  constructor(types: TypeCatalogue) {
    this.#types = types;
  }

  all(): Iterable<AddonPackage> {
    return this.#packages.values();
  }

  bySlug(slug: string): AddonPackage | undefined {
    return this.#packages.get(slug);
  }

  /** The add-on of this id or slug, undefined where neither is taken. */
  find(name: string): AddonPackage | undefined {
    for (const addon of this.#packages.values())
      if (addon.manifest.id === name || addon.manifest.slug === name) return addon;
    return undefined;
  }

  /** As `find`. @throws GatewayError notFound */
  get(name: string): AddonPackage {
    const addon = this.find(name);
    if (addon) return addon;
    throw new GatewayError('notFound', `there is no protocol "${name}"`, {
      hint: 'GET /device/v1/protocols lists them',
    });
  }

  /** One more, or another form of one that is there: then what runs of it is replaced. */
  put(addon: AddonPackage): void {
    const { slug } = addon.manifest;
    const before = this.#packages.get(slug);
    const generation = before ? { generation: (before.generation ?? 0) + 1 } : {};
    this.#packages.set(slug, { ...addon, ...generation });
    this.#types.replace(slug, typesOf(addon));
  }

  drop(slug: string): void {
    this.#packages.delete(slug);
    this.#types.replace(slug, []);
  }
}

/** A manifest may call its protocol by the slug: to the outside it has its id. */
function typesOf({ manifest, types }: AddonPackage): TypesOfProtocol {
  const protocols = [manifest.id];
  if (!('load' in types)) return types.map((type) => ({ ...type, protocols }));
  return {
    ...types,
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
