/** How much the relay sends at a time. The defaults stay within what AWS IoT Core takes from one connection. */
export interface RelayLimits {
  /** Largest message. AWS IoT Core takes 128 KiB. */
  messageBytes: number;
  /**
   * A list is sent when it is so long; only a reading that is longer by itself makes it longer. Lists of 128 KiB are no
   * quicker, and what is left of them makes the daemon's memory grow by 50 MB more.
   */
  listBytes: number;
  /**
   * Backlog in a second, 0: as much as the connection takes. AWS IoT Core takes 512 KiB a second of a connection, live
   * readings included: 100 of them, of 1.3 KiB each, have room beside it.
   */
  backlogBytesPerSecond: number;
}

export const AWS_LIMITS: RelayLimits = {
  messageBytes: 128 * 1024,
  listBytes: 32 * 1024,
  backlogBytesPerSecond: 384 * 1024,
};
