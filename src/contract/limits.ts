/** Bounds of the add-on contract: figures alone, so that whoever needs one loads nothing else. */

/** Largest MQTT packet that gate's broker takes from an add-on. A larger one ends the connection. */
export const PACKET_MAX_BYTES = 1024 * 1024;
/** Largest payload of one reading. */
export const READING_MAX_BYTES = 128 * 1024;
/** Deepest nesting of a reading's `data`. */
export const READING_MAX_DEPTH = 32;
/** Readings that the SDK keeps while they are not acknowledged; past it the oldest is given up, and said. */
export const UNACKNOWLEDGED_MAX = 10_000;
/** gate remembers at least this many ids of each add-on, on disk, to recognise a repeat. */
export const REPEAT_WINDOW = 100_000;
/** Largest file that a caller of the API may send for an add-on. */
export const UPLOAD_MAX_BYTES = 64 * 1024 * 1024;
/** A process add-on ends by itself within this time when its daemon is gone. */
export const ORPHAN_EXIT_MS = 10_000;
/** An add-on answers a scan within this time, with what it has found by then. */
export const SCAN_MS = 10_000;
/** Candidates that one scan may answer; further ones are left out. */
export const SCAN_CANDIDATES_MAX = 1_000;
