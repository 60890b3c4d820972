/** What becomes of a frame, as the radio knows it (IEEE 802.15.4 and Zigbee, 3.7): sticks of each make have words of their own for it. */
export const Delivery = {
  success: 0x00,
  noAck: 0xe9,
  /** The parent kept it for a child that sleeps, and the child did not ask in time. */
  expired: 0xf0,
} as const;
