/**
 * The readings of a house, for the benchmarks of history: 16 metering plugs that send every 10 s and 184 sensors that
 * send every 10 min, each at its own moments, all in the order of time. A day has 164,736 readings, 30 days have 4.9
 * million. 24 h of a plug are 8,640 readings.
 */
import type { JsonObject } from '../../src/model/json.ts';
import { sampleReading } from './sample-reading.ts';

export const PLUGS = 16;
export const SENSORS = 184;
export const HOUSE_DEVICES = PLUGS + SENSORS;
export const PLUG_PERIOD_S = 10;
export const SENSOR_PERIOD_S = 600;
/** What a query asks for: the power that a plug measures. */
export const PLUG_ATTRIBUTE = 'power';
export const SENSOR_ATTRIBUTE = 'temperature';

const DAY_S = 86_400;
export const READINGS_A_DAY = (PLUGS * DAY_S) / PLUG_PERIOD_S + (SENSORS * DAY_S) / SENSOR_PERIOD_S;

export interface HouseReading {
  /** The first `PLUGS` are plugs. */
  device: number;
  ts: number;
  data: JsonObject;
}

/** `readings` of them, the last at about `lastTs`. */
export function* houseReadings(readings: number, lastTs: number): Generator<HouseReading> {
  const firstS = Math.floor(lastTs / 1_000) - Math.ceil((readings / READINGS_A_DAY) * DAY_S);
  const byPhase = devicesByPhase();
  let n = 0;
  for (let second = firstS; ; second += 1) {
    for (const device of byPhase[second % SENSOR_PERIOD_S] ?? []) {
      if (n === readings) return;
      const ts = second * 1_000 + ((device * 37) % 1_000);
      yield { device, ts, data: device < PLUGS ? plugReading(n) : sampleReading(n) };
      n += 1;
    }
  }
}

/** Which devices send at each second of ten minutes. */
function devicesByPhase(): number[][] {
  return Array.from({ length: SENSOR_PERIOD_S }, (_, second) =>
    Array.from({ length: HOUSE_DEVICES }, (_, device) => device).filter((device) => {
      const period = device < PLUGS ? PLUG_PERIOD_S : SENSOR_PERIOD_S;
      return second % period === (device * 7) % period;
    }),
  );
}

function plugReading(n: number): JsonObject {
  return {
    state: 'ON',
    power: ((n * 7_919) % 20_000) / 10,
    current: ((n * 7_919) % 870) / 100,
    voltage: 228 + (n % 7),
    energy: Math.floor(n / 1_000) / 100,
    linkquality: n % 256,
  };
}
