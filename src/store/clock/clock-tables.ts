/** How the tables of clocks are written: known to those that write them and to those that read. */

/** In `meta`: the clock when it was right for the last time. */
export const CLOCK_KEY = 'clock';
/** `moved` of a stretch whose readings have all been moved. */
export const ALL_MOVED = Number.MAX_SAFE_INTEGER;
