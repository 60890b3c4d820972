/** A coordinator with EmberZNet: its trust centre's policy, the keys that devices join with, and their own keys after that. */
import type { Air } from '../air/air.ts';
import { Coordinator } from '../coordinator.ts';
import type { Joining } from '../coordinator-parts.ts';
import type { JoinOutcome, Node } from '../node.ts';
import type { EmberMemory } from './ember-memory.ts';
import type { EmberNotices } from './ember-notices.ts';
import { TrustCentrePolicy } from './ezsp-numbers.ts';
import { TransientKeys } from './transient-keys.ts';

/** A Zigbee 3.0 device asks for a key of its own as soon as it has joined (Base Device Behavior, 10.2.5). */
const ASKS_FOR_KEY_AFTER_MS = 1_000;

export class EmberCoordinator extends Coordinator {
  declare readonly memory: EmberMemory;
  declare readonly notices: EmberNotices;
  readonly transientKeys = new TransientKeys();
  /** Groups whose messages it hears, its own too. */
  readonly groups = new Set<number>();
  policy = 0;

  constructor(parts: { air: Air; memory: EmberMemory; notices: EmberNotices }) {
    super(parts);
  }

  /** Tuned to the channel of its network it hears that beside Touchlink. */
  override get listens(): boolean {
    const { interPanChannel, identity } = this;
    return this.powered && (interPanChannel === undefined || interPanChannel === identity?.channel);
  }

  override reset(): void {
    super.reset();
    this.transientKeys.clear();
    this.groups.clear();
    this.policy = 0;
  }

  protected override judge(node: Node, address: number, joining: Joining): JoinOutcome | undefined {
    if ((this.policy & TrustCentrePolicy.joins) === 0) {
      this.notices.denied(node, address, joining);
      return 'notPermitted';
    }
    if (this.transientKeys.fits(node)) return undefined;
    // it is sent the network's key in vain: the trust centre does not hear of that
    this.notices.joined(node, address, joining);
    return 'keyRefused';
  }

  protected override firstLinkKey(): undefined {
    return undefined;
  }

  protected override welcomed(node: Node): void {
    if (!node.zigbee3) return;
    const { membership } = node;
    this.air.later(ASKS_FOR_KEY_AFTER_MS, () => {
      if (!membership || node.membership !== membership || !node.hears(this.identity)) return;
      if (this.transientKeys.fits(node)) membership.linkKey = this.memory.linkKey(node.ieee);
      // without one of its own it does not stay (Base Device Behavior, 10.2.5)
      else node.leave();
    });
  }
}
