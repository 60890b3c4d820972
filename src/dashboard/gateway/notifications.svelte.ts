/** What the gateway noticed lately, newest first. */

import type { Notification } from '../api/answers.ts';
import { api, quietly } from '../api/client.ts';
import { live } from '../live/live.svelte.ts';

/** What the gateway itself tells of the past. */
const KEPT_MAX = 10;

/** @returns newest first; a getter, and the function that ends it */
export function watchNotifications(of: { deviceId?: string } = {}) {
  let list = $state.raw<readonly Notification[]>([]);
  const load = async () => {
    try {
      const query = of.deviceId === undefined ? {} : { deviceId: of.deviceId };
      const call = () => api.GET('/history/notifications/history', { params: { query } });
      list = (await quietly(call)).notifications;
    } catch {
      // the page says by itself when it may not see anything, or cannot reach the gateway
    }
  };
  const ends = [
    live.onConnected(() => void load()),
    live.on('notification', (told) => {
      if (of.deviceId !== undefined && told.metaAttrsFilter.deviceId !== of.deviceId) return;
      list = [told, ...list.filter(({ msgID }) => msgID !== told.msgID)].slice(0, KEPT_MAX);
    }),
  ];
  void load();
  return {
    get list(): readonly Notification[] {
      return list;
    },
    end(): void {
      for (const end of ends) end();
    },
  };
}
