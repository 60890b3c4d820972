/** What a Z-Stack stick tells its host without having been asked ("MT API", sections 3.2 and 3.13). */
import type { Packet } from '../air/packet.ts';
import { ByteWriter } from '../bytes.ts';
import type { HostNotices, Joining } from '../coordinator-parts.ts';
import type { Node } from '../node.ts';
import type { IncomingMessages } from './incoming-messages.ts';
import type { Notify } from './notify.ts';
import { ZDO } from './numbers.ts';

export class MtNotices implements HostNotices {
  readonly #notify: Notify;
  readonly #incoming: IncomingMessages;

  constructor(notify: Notify, incoming: IncomingMessages) {
    this.#notify = notify;
    this.#incoming = incoming;
  }

  permitsJoining(seconds: number): void {
    this.#notify(ZDO, 0xcb, Buffer.from([seconds]));
  }

  joined({ ieee }: Node, address: number, { parent }: Joining): void {
    this.#notify(ZDO, 0xca, new ByteWriter().u16(address).ieee(ieee).u16(parent).done());
  }

  announced({ ieee, capabilities }: Node, address: number): void {
    const data = new ByteWriter().u16(address).u16(address).ieee(ieee).u8(capabilities).done();
    this.#notify(ZDO, 0xc1, data);
  }

  left({ ieee }: Node, address: number, rejoins: boolean): void {
    const data = new ByteWriter()
      .u16(address)
      .ieee(ieee)
      .bytes([0, 0, rejoins ? 1 : 0])
      .done();
    this.#notify(ZDO, 0xc9, data);
  }

  message({ linkQuality }: Node, address: number, packet: Packet): void {
    this.#incoming.deliver(address, linkQuality, packet);
  }

  interPan({ ieee, linkQuality }: Node, packet: Packet): void {
    this.#incoming.deliverInterPan(ieee, linkQuality, packet);
  }
}
