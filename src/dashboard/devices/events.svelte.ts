/** What is told of one device while somebody looks at it: newest first, the last of them. */
import type { ApiError } from '../api/api-error.ts';
import { live } from '../live/live.svelte.ts';
import { language, t } from '../text/language.svelte.ts';

const KEPT_MAX = 20;

export interface DeviceEvent {
  key: number;
  text: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** A getter, a way to note what the page itself did, and the function that ends it. */
export function watchDevice(deviceId: string) {
  let heard = $state.raw<readonly DeviceEvent[]>([]);
  let count = 0;
  const note = (text: string) => {
    count += 1;
    heard = [{ key: count, text, at: Date.now() }, ...heard].slice(0, KEPT_MAX);
  };
  const ends = [
    live.on('availability', (told) => {
      if (told.deviceId !== deviceId) return;
      const text = told.online ? t('events.online') : t('events.offline');
      note(told.reason === undefined ? text : `${text}: ${told.reason}`);
    }),
    live.on('discovering', ({ id }) => id === deviceId && note(t('events.discovering'))),
    live.on('paired', ({ id }) => id === deviceId && note(t('events.paired'))),
    live.on('not_paired', ({ id, status }) => {
      if (id === deviceId) note(`${t('events.notPaired')}: ${status.reason?.message ?? ''}`);
    }),
    live.on('pairing_progress', ({ deviceId: id, step }) => {
      if (id === deviceId) note(language.find(`events.steps.${step}`) ?? step);
    }),
  ];
  return {
    get heard(): readonly DeviceEvent[] {
      return heard;
    },
    /** A command was sent and ended, with or without an error. */
    commanded(error: unknown): void {
      note(
        error === undefined
          ? t('events.commanded')
          : `${t('events.refused')}: ${(error as ApiError).message}`,
      );
    },
    end(): void {
      for (const end of ends) end();
    },
  };
}
