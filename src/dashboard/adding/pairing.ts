/** A pairing: begun, asked about, ended. Times are those of this machine's clock, whatever the gateway's says. */

import type { PairingCourse } from '../api/answers.ts';
import { ApiError } from '../api/api-error.ts';
import { api, request } from '../api/client.ts';

/** Somebody has to go to the device and press something. */
const JOIN_SECONDS = 90;

export async function beginPairing(deviceId: string): Promise<void> {
  const params = { path: { deviceId } };
  await request(() =>
    api.POST('/device/v1/devices/{deviceId}/pair', { params, body: { joinSeconds: JOIN_SECONDS } }),
  );
}

export async function cancelPairing(deviceId: string): Promise<void> {
  await request(() => api.DELETE('/device/v1/devices/{deviceId}/pair', { params: { path: { deviceId } } }));
}

export interface Course extends PairingCourse {
  /** What is to be added to the gateway's times to have ours. */
  aheadMs: number;
}

/** @throws ApiError */
export async function courseOf(deviceId: string): Promise<Course> {
  let answeredAt = Date.now();
  const course = await request(async () => {
    const outcome = await api.GET('/device/v1/devices/{deviceId}/pair', { params: { path: { deviceId } } });
    const told = Date.parse(outcome.response.headers.get('Date') ?? '');
    answeredAt = Number.isNaN(told) ? Date.now() : told;
    return outcome;
  });
  const aheadMs = Date.now() - answeredAt;
  // a header tells whole seconds: below that the clocks are the same
  return { ...course, aheadMs: Math.abs(aheadMs) < 2_000 ? 0 : aheadMs };
}

export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
