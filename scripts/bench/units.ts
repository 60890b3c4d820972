/** Figures as they are shown. */

/** 12 345 */
export const count = (value: number): string =>
  Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

/** MB = 10^6 bytes. */
export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

/** Of one core. */
export const cpu = (share: number): string => `${Math.round(share * 100)} %`;

export const ratio = (value: number, to: number): string => {
  // none of nothing: a ratio says nothing
  if (to === 0 || value === 0) return '';
  const quotient = value / to;
  return `${quotient.toFixed(quotient < 10 ? 2 : 1)} ×`;
};
