/** Bounds of the cloud contract: those of AWS IoT Core for one connection, which every other broker allows as well. */

/** A message's payload, either way. */
export const MESSAGE_MAX_BYTES = 128 * 1024;
/** Topics in one SUBSCRIBE. */
export const SUBSCRIBE_TOPICS_MAX = 8;
/** Of one topic. */
export const TOPIC_MAX_BYTES = 256;
export const TOPIC_SLASHES_MAX = 7;
/** What a broker may send that knows no such bound: a command above `MESSAGE_MAX_BYTES` is refused in words. */
export const PACKET_MAX_BYTES = 1024 * 1024;
/** Commands that are under way at once; the broker keeps further ones (MQTT 5, 3.1.2.11.3). */
export const COMMANDS_UNDER_WAY_MAX = 100;
/** So long the broker keeps commands for a gateway that is away, as far as it goes along. */
export const SESSION_KEPT_SECONDS = 7 * 86_400;
