/**
 * Times as ISO 8601 has them. Read leniently: date alone, microseconds, any zone offset. Written with six decimals,
 * as the dojot document prints them. Pure.
 */

/** `exact`: nothing finer than a millisecond was said; else the moment lies within the millisecond after `ms`. */
export interface IsoTime {
  ms: number;
  exact: boolean;
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(.*))?$/i;
/** A `+` in a query string arrives as a space. */
const ZONE = /^([+ -])(\d{2})(?::?(\d{2}))?$/;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

/** Without a zone it is UTC. @returns undefined for what is not a time */
export function parseIsoTime(text: string): IsoTime | undefined {
  const [, date, hourAndMinute = '00:00', second = '00', fraction = '', zone = ''] = DATE.exec(text) ?? [];
  const offsetMs = parseZone(zone);
  if (date === undefined || offsetMs === undefined) return undefined;
  const plain = `${date}T${hourAndMinute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const ms = Date.parse(plain);
  // the 31st of a shorter month would become a day of the next
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== plain) return undefined;
  return { ms: ms - offsetMs, exact: !/[1-9]/.test(fraction.slice(3)) };
}

function parseZone(zone: string): number | undefined {
  if (zone === '' || zone === 'Z' || zone === 'z') return 0;
  const [, sign, hours, minutes = '00'] = ZONE.exec(zone) ?? [];
  if (sign === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const size = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS;
  return sign === '-' ? -size : size;
}

/** Of an hour's minutes, and of a minute's seconds. */
const SIXTY: readonly string[] = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
const MILLISECONDS: readonly string[] = Array.from(
  { length: 1_000 },
  (_, n) => `.${String(n).padStart(3, '0')}000Z`,
);

/**
 * Writes `2018-02-14T13:43:33.306000Z`. Times that come in a row share most of their text: made once an hour.
 */
export function isoMicrosecondsWriter(): (ms: number) => string {
  let hour = Number.NaN;
  let prefix = '';
  return (ms) => {
    const inHour = Math.floor(ms / HOUR_MS);
    if (inHour !== hour) {
      hour = inHour;
      prefix = new Date(inHour * HOUR_MS).toISOString().slice(0, 14);
    }
    const rest = ms - inHour * HOUR_MS;
    const minute = Math.floor(rest / MINUTE_MS);
    const second = Math.floor((rest % MINUTE_MS) / 1_000);
    return `${prefix}${SIXTY[minute]}:${SIXTY[second]}${MILLISECONDS[rest % 1_000]}`;
  };
}
