/** The network that the stick forms, resumes and leaves, its keys, and who may join (UG100, "Networking Frames" and "Security Frames"). */
import { type ByteReader, ByteWriter } from '../bytes.ts';
import type { EmberCoordinator } from './ember-coordinator.ts';
import type { EmberNetwork } from './ember-memory.ts';
import { COORDINATOR, Frame, KeyType, NetworkState, Status } from './ezsp-numbers.ts';

const ALL_CHANNELS = 0x07fff800;
const TRANSMIT_POWER = 5;
const KEY_BYTES = 16;
/** Of an exported link key: its context and what is known of it. */
const LINK_KEY_CONTEXT_BYTES = 18;
const LINK_KEY_META_BYTES = 12;

export class NetworkFrames {
  readonly #coordinator: EmberCoordinator;
  /** Given before a network is formed. */
  #keys: Pick<EmberNetwork, 'networkKey' | 'linkKey'> | undefined;
  #frameCounter = 0;

  constructor(coordinator: EmberCoordinator) {
    this.#coordinator = coordinator;
  }

  reset(): void {
    this.#keys = undefined;
    this.#frameCounter = 0;
  }

  /** The next network goes on with it. */
  startFrom(frameCounter: number): void {
    this.#frameCounter = frameCounter;
  }

  /** @returns the answer; undefined for what is not about the network */
  answer(id: number, taken: ByteReader): ByteWriter | undefined {
    const coordinator = this.#coordinator;
    switch (id) {
      case Frame.networkState:
        return new ByteWriter().u8(coordinator.identity ? NetworkState.joined : NetworkState.none);
      case Frame.networkInit:
        coordinator.identity = coordinator.memory.load();
        if (!coordinator.identity) return new ByteWriter().u32(Status.notJoined);
        coordinator.notices.status(Status.networkUp);
        return ok();
      case Frame.setInitialSecurity:
        taken.u16();
        this.#keys = {
          linkKey: Buffer.from(taken.bytes(KEY_BYTES)),
          networkKey: Buffer.from(taken.bytes(KEY_BYTES)),
        };
        return ok();
      case Frame.formNetwork:
        return this.#form(taken);
      case Frame.leaveNetwork:
        coordinator.memory.forgetAll();
        coordinator.identity = undefined;
        coordinator.notices.status(Status.networkDown);
        return ok();
      case Frame.permitJoining:
        coordinator.permitJoining(taken.u8());
        return ok();
      case Frame.getNetworkParameters:
        return this.#parameters();
      case Frame.setRadioChannel: {
        const channel = taken.u8();
        coordinator.interPanChannel = channel;
        return ok();
      }
      default:
        return this.#security(id, taken);
    }
  }

  #security(id: number, taken: ByteReader): ByteWriter | undefined {
    const { transientKeys, memory } = this.#coordinator;
    switch (id) {
      case Frame.importTransientKey:
        transientKeys.take(taken.ieee(), taken.bytes(KEY_BYTES));
        return ok();
      case Frame.clearTransientKeys:
        transientKeys.clear();
        return new ByteWriter();
      case Frame.networkKeyInfo:
        return ok()
          .bytes([memory.network ? 1 : 0, 0, 0, 0])
          .u32(memory.network?.frameCounter ?? 0);
      case Frame.exportLinkKey:
        return new ByteWriter()
          .u32(Status.notFound)
          .bytes(Buffer.alloc(LINK_KEY_CONTEXT_BYTES + KEY_BYTES + LINK_KEY_META_BYTES));
      case Frame.exportKey: {
        const context = taken.rest();
        const { network } = memory;
        if (!network)
          return new ByteWriter().u32(Status.notFound).bytes(Buffer.alloc(KEY_BYTES)).bytes(context);
        const key = context[0] === KeyType.network ? network.networkKey : network.linkKey;
        return ok().bytes(key).bytes(context);
      }
      default:
        return undefined;
    }
  }

  #form(taken: ByteReader): ByteWriter {
    const coordinator = this.#coordinator;
    if (!this.#keys) return new ByteWriter().u32(Status.notFound);
    const [extendedPanId, panId] = [Buffer.from(taken.bytes(8)), taken.u16()];
    taken.u8();
    const channel = taken.u8();
    const frameCounter = this.#frameCounter;
    coordinator.memory.network = { ...this.#keys, extendedPanId, panId, channel, frameCounter };
    coordinator.identity = coordinator.memory.stored;
    coordinator.notices.status(Status.networkUp);
    return ok();
  }

  #parameters(): ByteWriter {
    const { identity } = this.#coordinator;
    return new ByteWriter()
      .u32(identity ? Status.ok : Status.notJoined)
      .u8(COORDINATOR)
      .bytes(identity?.extendedPanId ?? Buffer.alloc(8))
      .u16(identity?.panId ?? 0xffff)
      .bytes([TRANSMIT_POWER, identity?.channel ?? 0, 0])
      .u16(0)
      .u8(0)
      .u32(ALL_CHANNELS);
  }
}

function ok(): ByteWriter {
  return new ByteWriter().u32(Status.ok);
}
