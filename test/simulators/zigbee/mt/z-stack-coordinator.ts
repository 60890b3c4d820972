/** A coordinator with TI's Z-Stack: what is its own beside what every coordinator does. */
import type { Air } from '../air/air.ts';
import { Coordinator } from '../coordinator.ts';
import { hashInstallCode } from '../install-code.ts';
import type { JoinOutcome, Node } from '../node.ts';
import { IncomingMessages } from './incoming-messages.ts';
import { MtNotices } from './mt-notices.ts';
import type { NetworkStore } from './network-store.ts';
import type { Notify } from './notify.ts';
import { DeviceState, NvItem, SYS, ZDO } from './numbers.ts';
import type { Firmware } from './system-commands.ts';

const RESET_MS = 20;

export class ZStackCoordinator extends Coordinator {
  readonly store: NetworkStore;
  readonly firmware: Firmware;
  readonly notify: Notify;
  readonly incoming: IncomingMessages;
  readonly groups = new Set<string>();
  readonly installCodes = new Map<string, { hashed: boolean; bytes: Buffer }>();
  /** PAN ids that other networks nearby use. */
  readonly foreignPanIds = new Set<number>();
  state: number = DeviceState.hold;

  constructor({
    store,
    air,
    firmware,
    notify,
  }: {
    store: NetworkStore;
    air: Air;
    firmware: Firmware;
    notify: Notify;
  }) {
    const incoming = new IncomingMessages(notify);
    super({ air, memory: store, notices: new MtNotices(notify, incoming) });
    this.store = store;
    this.firmware = firmware;
    this.notify = notify;
    this.incoming = incoming;
  }

  override reset(): void {
    const option = this.store.nv.item(NvItem.startupOption)?.[0] ?? 0;
    if (option !== 0) this.store.clear();
    super.reset();
    this.groups.clear();
    this.state = DeviceState.hold;
    const { product, major, minor } = this.firmware;
    this.air.later(RESET_MS, () => this.notify(SYS, 0x80, Buffer.from([0, 2, product, major, minor, 1])));
  }

  /** Resumes the stored network. @returns false where there is none */
  resume(): boolean {
    this.identity = this.store.load();
    if (!this.identity) return false;
    this.#becomeCoordinator();
    return true;
  }

  form(): void {
    this.identity = this.store.form((panId) => this.foreignPanIds.has(panId));
    this.#becomeCoordinator();
  }

  protected override judge(node: Node): JoinOutcome | undefined {
    const { installCode } = node;
    if (!installCode) return undefined;
    const told = this.installCodes.get(node.ieee);
    const expected = told?.hashed ? hashInstallCode(installCode) : installCode;
    return told?.bytes.equals(expected) ? undefined : 'keyRefused';
  }

  protected override firstLinkKey(node: Node): Buffer | undefined {
    return node.zigbee3 ? this.store.createLinkKey(node.ieee) : undefined;
  }

  #becomeCoordinator(): void {
    this.state = DeviceState.coordinator;
    this.air.later(0, () => this.notify(ZDO, 0xc0, Buffer.from([DeviceState.coordinator])));
  }
}
