/**
 * Reports on their way to the cloud: those made while there is no link wait for the next one, in order. Bounded in
 * number and size; past that the oldest is let go, and that is told. In memory: a restart lets them go.
 */
import { GatewayError } from '../model/error.ts';
import type { JsonValue } from '../model/json.ts';
import type { CloudConnection } from './connection.ts';

export const REPORTS_WAITING_MAX = 1_000;
export const REPORTS_WAITING_MAX_BYTES = 4 * 1024 * 1024;

export interface ReportOutboxParts {
  /** A report was let go, or refused by the broker. */
  onLost: (topic: string, reason: string) => void;
}

interface Report {
  topic: string;
  payload: string;
  done: () => void;
}

export class ReportOutbox {
  readonly #parts: ReportOutboxParts;
  #waiting: Report[] = [];
  #bytes = 0;
  #connection: CloudConnection | undefined;

  constructor(parts: ReportOutboxParts) {
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#connection !== undefined;
  }

  up(connection: CloudConnection): void {
    this.#connection = connection;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    for (const report of waiting) void this.#publish(report, connection);
  }

  down(): void {
    this.#connection = undefined;
  }

  /** Resolves when the broker has acknowledged it, or it was let go; over as many connections as that takes. */
  send(topic: string, payload: JsonValue): Promise<void> {
    return new Promise((done) => {
      const report = { topic, payload: JSON.stringify(payload), done };
      if (this.#connection) void this.#publish(report, this.#connection);
      else this.#keep(report);
    });
  }

  async #publish(report: Report, connection: CloudConnection): Promise<void> {
    try {
      await connection.publish(report.topic, report.payload, { isUrgent: true });
      report.done();
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== 'cloudGone') {
        this.#parts.onLost(report.topic, (error as Error).message);
        report.done();
      } else if (this.#connection && this.#connection !== connection) {
        await this.#publish(report, this.#connection);
      } else this.#keep(report);
    }
  }

  #keep(report: Report): void {
    this.#waiting.push(report);
    this.#bytes += Buffer.byteLength(report.payload);
    while (this.#waiting.length > REPORTS_WAITING_MAX || this.#bytes > REPORTS_WAITING_MAX_BYTES) {
      const oldest = this.#waiting.shift();
      if (!oldest) return;
      this.#bytes -= Buffer.byteLength(oldest.payload);
      this.#parts.onLost(oldest.topic, 'too many reports wait for the link to the cloud');
      oldest.done();
    }
  }
}
