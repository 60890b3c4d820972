/**
 * Reporting of one cluster as it was configured (ZCL 8, 2.5.7 and 2.5.11): at once when a value has changed by as much
 * as was asked for, but not within the minimum interval, and at the maximum interval even if nothing changed.
 */
import type { Attribute } from './cluster.ts';
import { isAnalog, type Value } from './data-types.ts';

export interface ReportingRule {
  minSeconds: number;
  /** 0xffff: reporting is off; 0: no periodic report. */
  maxSeconds: number;
  /** Of an analog attribute; for others any change counts. */
  delta: number;
}

interface Watched {
  rule: ReportingRule;
  reportedValue: Value;
  reportedAtMs: number;
  timer: NodeJS.Timeout | undefined;
}

const OFF = 0xffff;

export class Reporting {
  readonly #send: (attribute: Attribute) => void;
  readonly #watched = new Map<Attribute, Watched>();

  constructor(send: (attribute: Attribute) => void) {
    this.#send = send;
  }

  configure(attribute: Attribute, rule: ReportingRule): void {
    clearTimeout(this.#watched.get(attribute)?.timer);
    if (rule.maxSeconds === OFF) {
      this.#watched.delete(attribute);
      return;
    }
    const watched = { rule, reportedValue: attribute.value, reportedAtMs: Date.now(), timer: undefined };
    this.#watched.set(attribute, watched);
    this.#schedule(attribute, watched);
  }

  rule(attribute: Attribute): ReportingRule | undefined {
    return this.#watched.get(attribute)?.rule;
  }

  /** The value was reported by other means: the intervals begin anew. */
  told(attribute: Attribute): void {
    const watched = this.#watched.get(attribute);
    if (!watched) return;
    watched.reportedValue = attribute.value;
    watched.reportedAtMs = Date.now();
    this.#schedule(attribute, watched);
  }

  changed(attribute: Attribute): void {
    const watched = this.#watched.get(attribute);
    if (!watched || !this.#enough(attribute, watched)) return;
    const dueInMs = watched.reportedAtMs + watched.rule.minSeconds * 1000 - Date.now();
    if (dueInMs <= 0) this.#report(attribute, watched);
    else this.#arm(attribute, watched, dueInMs);
  }

  /** Back to factory: nothing is reported any more. */
  clear(): void {
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  #enough(attribute: Attribute, watched: Watched): boolean {
    if (!isAnalog(attribute.type)) return attribute.value !== watched.reportedValue;
    return (
      Math.abs(Number(attribute.value) - Number(watched.reportedValue)) >= Math.max(watched.rule.delta, 1e-9)
    );
  }

  #report(attribute: Attribute, watched: Watched): void {
    watched.reportedValue = attribute.value;
    watched.reportedAtMs = Date.now();
    this.#schedule(attribute, watched);
    this.#send(attribute);
  }

  #schedule(attribute: Attribute, watched: Watched): void {
    clearTimeout(watched.timer);
    if (watched.rule.maxSeconds > 0) this.#arm(attribute, watched, watched.rule.maxSeconds * 1000);
  }

  #arm(attribute: Attribute, watched: Watched, inMs: number): void {
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => this.#report(attribute, watched), inMs).unref();
  }
}
