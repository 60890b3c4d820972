/** Waits for what an add-on does next, when something of it was changed; bounded. */
import { pause } from '../../lib/deadline.ts';
import type { GatewayEventBus } from '../events.ts';

export interface AwaitedAddon {
  events: GatewayEventBus;
  slug: string;
  /** Its end, or the first word of its next run: what the one that goes still says is not meant. */
  until: 'stopped' | 'heard';
  withinMs: number;
}

/** @returns whether it came in time */
export async function addonHeard({ events, slug, until, withinMs }: AwaitedAddon): Promise<boolean> {
  const heard = new AbortController();
  let began = false;
  const disposers = [
    events.on('addonRunBegan', (begun) => {
      began ||= begun.slug === slug;
    }),
    events.on('addonStateReported', (said) => {
      const speaks = said.state !== 'stopped' && said.state !== 'starting';
      if (until === 'heard' && said.slug === slug && began && speaks) heard.abort();
    }),
    events.on('addonStopped', (stopped) => {
      if (until === 'stopped' && stopped.slug === slug) heard.abort();
    }),
  ];
  await pause(withinMs, heard.signal);
  for (const dispose of disposers) dispose();
  return heard.signal.aborted;
}
