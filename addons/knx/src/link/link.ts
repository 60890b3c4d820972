/** The one interface behind which a KNX bus is reached: through a tunnel of a server, or by multicast (routing). */
import type { AddonError } from '@gate/addon-sdk';
import type { GroupService, GroupTelegram, RawValue } from '../wire/cemi.ts';

/** What goes out; the source address is the link's. */
export interface OutgoingTelegram {
  service: GroupService;
  destination: number;
  value: RawValue;
}

/** One connection to the bus, from its beginning to its end. */
export interface Link {
  /** Where it leads, for people. */
  readonly place: string;
  /** This side's address on the bus, where it is known. */
  readonly individualAddress: number | undefined;
  /** Settles with the reason once the link is of no more use. */
  readonly ended: Promise<AddonError>;
  /**
   * Resolves once the bus has the telegram. One at a time: the caller waits for the one before.
   * @throws LinkLost, when it may be tried again on a next link; AddonError notConfirmed, timeout
   */
  send(telegram: OutgoingTelegram): Promise<void>;
  /** Ends it in order, within 2 s. */
  close(): Promise<void>;
}

export interface Connector {
  /** @throws AddonError noLink */
  connect(onTelegram: (telegram: GroupTelegram) => void): Promise<Link>;
  /** Frees what outlives a link. */
  close(): void;
}

/** The link broke while a telegram was under way: whether the bus has it is not known. */
export class LinkLost extends Error {
  readonly reason: AddonError;

  constructor(reason: AddonError) {
    super(reason.message);
    this.name = 'LinkLost';
    this.reason = reason;
  }
}
