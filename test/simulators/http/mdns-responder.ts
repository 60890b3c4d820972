/** A simulated device's side of mDNS (RFC 6762) and DNS-SD (RFC 6763): it answers who asks for its services. */
import mdns, { type MulticastDns } from 'multicast-dns';

export interface AnnouncedService {
  /** `http`, `shelly`. */
  type: string;
  name: string;
  txt: Record<string, string>;
}

export interface AnnouncedPlace {
  host: string;
  port: number;
  services: readonly AnnouncedService[];
}

const TTL_SECONDS = 120;

export class MdnsResponder {
  readonly #mdns: MulticastDns;
  readonly #place: () => AnnouncedPlace | undefined;

  /**
   * @param place where the device is now; undefined while it is off
   * @param network the one that it is heard in, by this machine's address there
   */
  constructor(place: () => AnnouncedPlace | undefined, network?: string) {
    this.#place = place;
    this.#mdns = mdns({
      loopback: true,
      ...(network === undefined ? {} : { interface: network, bind: '0.0.0.0' }),
    });
    this.#mdns.on('error', () => undefined);
    this.#mdns.on('warning', () => undefined);
    this.#mdns.on('query', ({ questions }) => {
      const asked = new Set(questions.map(({ name }) => name.toLowerCase()));
      this.#tell((service) => asked.has(`_${service.type}._tcp.local`));
    });
    this.#tell(() => true);
  }

  stop(): void {
    this.#mdns.destroy();
  }

  #tell(wanted: (service: AnnouncedService) => boolean): void {
    const place = this.#place();
    for (const service of place?.services.filter(wanted) ?? []) {
      const { type, name, txt } = service;
      const kind = `_${type}._tcp.local`;
      const instance = `${name}.${kind}`;
      const target = `${name}.local`;
      const ttl = TTL_SECONDS;
      this.#mdns.respond({
        answers: [{ name: kind, type: 'PTR', ttl, data: instance }],
        additionals: [
          { name: instance, type: 'SRV', ttl, data: { port: place?.port ?? 0, target } },
          {
            name: instance,
            type: 'TXT',
            ttl,
            data: Object.entries(txt).map(([key, value]) => `${key}=${value}`),
          },
          { name: target, type: 'A', ttl, data: place?.host ?? '' },
        ],
      });
    }
  }
}
