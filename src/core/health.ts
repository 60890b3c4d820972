/**
 * What is up, what is degraded and why: one line for each part, kept in memory. The gateway is ready when the
 * parts it cannot work without (`vital`) are; every other trouble makes it degraded, never not ready.
 */
import type { PartFacts, PartHealth, PartState } from '../model/health.ts';
import type { GatewayEventBus } from './events.ts';

export interface HealthReport {
  status: 'ready' | 'degraded' | 'notReady';
  parts: Record<string, PartHealth>;
}

export class Health {
  readonly #events: GatewayEventBus;
  readonly #now: () => number;
  readonly #vital: ReadonlySet<string>;
  readonly #parts = new Map<string, PartHealth>();

  constructor(parts: { events: GatewayEventBus; now: () => number; vital: readonly string[] }) {
    this.#events = parts.events;
    this.#now = parts.now;
    this.#vital = new Set(parts.vital);
  }

  /** Notes a part's state. The same state and reason again changes nothing, `since` included. */
  report(part: string, state: PartState, reason?: string): void {
    const before = this.#parts.get(part);
    if (before?.state === state && before.reason === reason) return;
    const since = before?.state === state ? before.since : this.#now();
    const { reason: _, ...facts } = before ?? {};
    this.#parts.set(part, { ...facts, state, ...(reason === undefined ? {} : { reason }), since });
    this.#events.emit('healthChanged', { part, state, reason });
  }

  /** Notes what is counted of a part, whatever its state. */
  note(part: string, facts: PartFacts): void {
    const before = this.#parts.get(part) ?? { state: 'stopped' as const, since: this.#now() };
    this.#parts.set(part, { ...before, ...facts });
  }

  part(name: string): PartHealth | undefined {
    return this.#parts.get(name);
  }

  forget(part: string): void {
    this.#parts.delete(part);
  }

  ready(): HealthReport {
    let status: HealthReport['status'] = 'ready';
    for (const [name, { state }] of this.#parts) {
      if (state === 'running') continue;
      if (this.#vital.has(name) && state !== 'degraded') status = 'notReady';
      else if (status === 'ready' && state !== 'stopped') status = 'degraded';
    }
    for (const name of this.#vital) if (!this.#parts.has(name)) status = 'notReady';
    return { status, parts: Object.fromEntries(this.#parts) };
  }
}
