/**
 * How a service is doing that does not speak the add-on contract: it is asked over HTTP, again and again. What it
 * answers does not matter, as long as it is no failure of its own (5xx).
 */
import { request } from 'node:http';
import { pause } from '../../lib/deadline.ts';

export interface ProbeLimits {
  /** Between two questions, until the first good answer and after it. */
  startingMs: number;
  runningMs: number;
  /** One answer. */
  answerMs: number;
  /** Until the first good answer. */
  readyMs: number;
  /** So many without an answer, and it is degraded; twice as many, and it hangs. */
  missedMax: number;
}

export const PROBE_LIMITS: ProbeLimits = {
  startingMs: 1_000,
  runningMs: 10_000,
  answerMs: 5_000,
  readyMs: 120_000,
  missedMax: 3,
};

export interface ProbedService {
  host: string;
  port: number;
  path: string;
}

export interface ProbeParts {
  service: ProbedService;
  onUp: () => void;
  onDegraded: (reason: string) => void;
  /** It is to be ended. */
  onHung: (reason: string) => void;
  limits?: ProbeLimits;
}

export class ServiceProbe {
  readonly #parts: ProbeParts;
  readonly #limits: ProbeLimits;
  readonly #ending = new AbortController();

  constructor(parts: ProbeParts) {
    this.#parts = parts;
    this.#limits = parts.limits ?? PROBE_LIMITS;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#ending.abort();
  }

  async #run(): Promise<void> {
    const { startingMs, runningMs, readyMs, missedMax } = this.#limits;
    const { onUp, onDegraded, onHung, service } = this.#parts;
    const { signal } = this.#ending;
    const beganMs = performance.now();
    let [wasUp, missed] = [false, 0];
    while (!signal.aborted) {
      const trouble = await this.#ask();
      if (signal.aborted) return;
      const told = `port ${service.port} ${trouble}`;
      if (trouble === undefined) {
        if (!wasUp || missed >= missedMax) onUp();
        [wasUp, missed] = [true, 0];
      } else if (wasUp) {
        missed += 1;
        if (missed === missedMax) onDegraded(told);
        if (missed >= 2 * missedMax) return onHung(`it hung: ${told}`);
      } else if (performance.now() - beganMs >= readyMs) {
        return onHung(`it did not answer HTTP within ${readyMs / 1_000} s of its start: ${told}`);
      }
      await pause(wasUp ? runningMs : startingMs, signal);
    }
  }

  /** What is wrong; undefined when nothing is. */
  #ask(): Promise<string | undefined> {
    const { host, port, path } = this.#parts.service;
    return new Promise((resolve) => {
      const outgoing = request({ host, port, path, agent: false }, (answer) => {
        answer.resume();
        const { statusCode = 0 } = answer;
        resolve(statusCode < 500 ? undefined : `answers ${statusCode}`);
      });
      const late = setTimeout(() => outgoing.destroy(new Error('no answer')), this.#limits.answerMs);
      outgoing.on('error', (error: NodeJS.ErrnoException) =>
        resolve(`does not answer (${error.code ?? error.message})`),
      );
      outgoing.on('close', () => clearTimeout(late));
      outgoing.end();
    });
  }
}
