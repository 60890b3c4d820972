/** Figures alone: the writer thread needs them without the schemas, whose library is 2 MB of its memory. */

/** Most notifications kept; the oldest go first. */
export const NOTIFICATIONS_KEPT_MAX = 1_000;
/** Of a large file that a caller of the API sends, in one request: a slow line must carry it within the time of one. */
export const PIECE_MAX_BYTES = 64 * 1024 * 1024;
