/**
 * CLOCK_MONOTONIC in milliseconds: one clock for every process of the machine, which nobody sets. (What
 * `performance.timeOrigin + performance.now()` gives drifts apart between processes while the wall clock is slewed.)
 */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
