/** When a disk is nearly full, as the daemon warns and `gate doctor` says. */

const NEARLY_FULL_SHARE = 0.1;
export const NEARLY_FULL_MAX_BYTES = 500_000_000;

/** Free bytes below which a file system of this size is nearly full: 10 % of it or 500 MB, whichever is less. */
export function nearlyFullBelow(totalBytes: number): number {
  return Math.min(totalBytes * NEARLY_FULL_SHARE, NEARLY_FULL_MAX_BYTES);
}
