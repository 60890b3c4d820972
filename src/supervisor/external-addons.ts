/**
 * Add-ons that somebody else starts. gate cannot start or end them: it says in health whether they are connected, and
 * tells in their log when they came and went.
 */
import type { GatewayEventBus } from '../core/events.ts';
import type { Health } from '../core/health.ts';
import { type DesiredAddon, partOf } from '../core/protocols/protocols.ts';
import type { Dispose } from '../lib/event-bus.ts';
import type { OnLine } from './addon-output.ts';

export interface ExternalAddonsParts {
  protocols: { desired(options: { external: boolean }): DesiredAddon[] };
  health: Health;
  events: GatewayEventBus;
  /** Hears when one came and went. */
  onLine: OnLine;
}

export class ExternalAddons {
  readonly #parts: ExternalAddonsParts;
  readonly #known = new Set<string>();
  readonly #connected = new Set<string>();
  #disposers: Dispose[] = [];

  constructor(parts: ExternalAddonsParts) {
    this.#parts = parts;
  }

  start(): void {
    const { events } = this.#parts;
    this.#disposers = [
      events.on('protocolsChanged', () => this.#look()),
      events.on('addonConnected', ({ slug }) => this.#came(slug)),
      events.on('addonDisconnected', ({ slug }) => this.#went(slug)),
    ];
    this.#look();
  }

  stop(): void {
    for (const dispose of this.#disposers.splice(0)) dispose();
    for (const slug of this.#known) this.#parts.health.report(partOf(slug), 'stopped');
  }

  #look(): void {
    const { protocols, health, events } = this.#parts;
    const desired = new Set(protocols.desired({ external: true }).map(({ slug }) => slug));
    for (const slug of desired) {
      if (this.#known.has(slug)) continue;
      this.#known.add(slug);
      health.report(partOf(slug), 'stopped', 'its program, which others start, has not connected yet');
    }
    for (const slug of this.#known) {
      if (desired.has(slug)) continue;
      this.#known.delete(slug);
      this.#connected.delete(slug);
      health.forget(partOf(slug));
      events.emit('addonStopped', { slug });
    }
  }

  #came(slug: string): void {
    if (!this.#known.has(slug)) return;
    this.#connected.add(slug);
    this.#parts.health.report(partOf(slug), 'starting');
    this.#parts.onLine(slug, 'LOG', 'gate: its program has connected');
  }

  #went(slug: string): void {
    if (!this.#connected.delete(slug)) return;
    const { health, onLine } = this.#parts;
    const { state } = health.part(partOf(slug)) ?? {};
    // it said goodbye, or was refused for a reason that is worth more
    if (state !== 'stopped' && state !== 'failed')
      health.report(partOf(slug), 'degraded', 'its program, which others start, has lost its connection');
    onLine(slug, state === 'stopped' ? 'LOG' : 'ERR', 'gate: the connection of its program has ended');
  }
}
