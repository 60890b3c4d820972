/** What is wrong with a gateway, of its health: each with where it is mended. Pure. */
import type { Health } from '../api/answers.ts';

type Part = NonNullable<Health['parts']>[string];

export interface Trouble {
  /** `addon:zigbee`, `cloud`, `storage` … */
  part: string;
  state: Part['state'];
  reason: string | undefined;
  /** Slug of the add-on, where it is one. */
  addon: string | undefined;
  /** Key of the words that say what to do. */
  mend: 'addon' | 'cloud' | 'storage' | 'clock' | 'tls' | 'rest';
  /** The page where it is done. */
  href: string | undefined;
}

const MENDS: Readonly<Record<string, Trouble['mend']>> = {
  cloud: 'cloud',
  storage: 'storage',
  store: 'storage',
  clock: 'clock',
  tls: 'tls',
};

/** The worst first. A part that is stopped, or only just starts, is no trouble. */
export function troublesOf({ parts = {} }: Health): Trouble[] {
  const troubles = Object.entries(parts).filter(
    ([, { state }]) => state === 'failed' || state === 'degraded',
  );
  troubles.sort(([, a], [, b]) => Number(b.state === 'failed') - Number(a.state === 'failed'));
  return troubles.map(([part, { state, reason, lastFailure }]) => {
    const addon = part.startsWith('addon:') ? part.slice('addon:'.length) : undefined;
    return {
      part,
      state,
      reason: reason ?? lastFailure,
      addon,
      mend: addon === undefined ? (MENDS[part] ?? 'rest') : 'addon',
      href: addon === undefined ? undefined : `#/protocols/${encodeURIComponent(addon)}`,
    };
  });
}
