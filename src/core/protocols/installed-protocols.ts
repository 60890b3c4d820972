/** What is installed, with its parameters, images and login: each change is on disk before it counts. */
import type { SecretHash } from '../../model/client.ts';
import { GatewayError } from '../../model/error.ts';
import type { InstalledContainer, InstalledProtocol } from '../../model/protocol.ts';
import type { GatewayEventBus } from '../events.ts';
import type { Registry } from '../ports.ts';

export interface InstalledProtocolsParts {
  registry: Registry;
  events: GatewayEventBus;
}

export class InstalledProtocols {
  readonly #parts: InstalledProtocolsParts;
  readonly #records = new Map<string, InstalledProtocol>();

  constructor(parts: InstalledProtocolsParts) {
    this.#parts = parts;
  }

  /** Reads what the registry has. */
  start(): void {
    for (const record of this.#parts.registry.protocols()) this.#records.set(record.slug, record);
  }

  all(): Iterable<InstalledProtocol> {
    return this.#records.values();
  }

  has(slug: string): boolean {
    return this.#records.has(slug);
  }

  get(slug: string): InstalledProtocol | undefined {
    return this.#records.get(slug);
  }

  async save(record: InstalledProtocol): Promise<void> {
    await this.#parts.registry.saveProtocol(record);
    this.#records.set(record.slug, record);
  }

  async remove(slug: string): Promise<void> {
    await this.#parts.registry.removeProtocol(slug);
    this.#records.delete(slug);
  }

  /** Its images, where it is installed as a container. */
  container(slug: string): InstalledContainer | undefined {
    return this.#records.get(slug)?.container;
  }

  /** What is run of it is changed. @throws GatewayError conflict when it is not installed (any more) */
  async setContainer(slug: string, container: InstalledContainer): Promise<void> {
    await this.save({ ...this.#demand(slug), container });
    this.#parts.events.emit('protocolsChanged', { slug });
  }

  /** Ids of the images that installed protocols run, try or keep. */
  imagesInUse(): Set<string> {
    const containers = [...this.#records.values()].map(({ container }) => container);
    const images = containers.flatMap((held) => [held?.image, held?.candidate, held?.previous]);
    return new Set(images.flatMap((image) => (image ? [image.id] : [])));
  }

  /** How an add-on that somebody else starts logs in; undefined where it may not. */
  login(slug: string): SecretHash | undefined {
    return this.#records.get(slug)?.login;
  }

  /** @throws GatewayError conflict when it is not installed (any more) */
  async setLogin(slug: string, login: SecretHash | undefined): Promise<void> {
    const { login: _, ...rest } = this.#demand(slug);
    await this.save(login === undefined ? rest : { ...rest, login });
  }

  #demand(slug: string): InstalledProtocol {
    const record = this.#records.get(slug);
    if (record) return record;
    throw new GatewayError('conflict', `protocol "${slug}" is not installed`);
  }
}
