/** Figures alone: the writer thread needs them without the schemas, whose library is 2 MB of its memory. */

/** Most notifications kept; the oldest go first. */
export const NOTIFICATIONS_KEPT_MAX = 1_000;
