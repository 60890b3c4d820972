/** Does a gateway that was just started come up, and stay up? It is asked on its own socket. */
import { request } from 'node:http';
import { pause } from '../lib/deadline.ts';
import type { GatewayService } from './service.ts';

const ASK_EVERY_MS = 1_000;
const ANSWER_MS = 5_000;
const ANSWER_MAX_BYTES = 1024 * 1024;
/** Ended by itself so often it will not come up. */
const RESTARTS_MAX = 2;
/** Not even degraded, where they ran before: from a release without its link nobody far away could ask for another one. */
const MUST_RUN = ['cloud'];

export interface Trial {
  socketPath: string;
  service: Pick<GatewayService, 'look'>;
  /** Parts that ran before: they have to run again, or to be degraded; the link to the cloud has to run. */
  parts: readonly string[];
  /** Within so long it has to be healthy. */
  healthyWithinMs: number;
  /** And for so long it has to stay so, as the same process. */
  steadyMs: number;
}

/** @returns why it is not healthy, in words; undefined when it is */
export async function tryOut(trial: Trial): Promise<string | undefined> {
  const { service, socketPath, parts, healthyWithinMs, steadyMs } = trial;
  const endsAt = performance.now() + healthyWithinMs;
  let steady: { since: number; processId: number } | undefined;
  let trouble = 'it did not answer';
  for (;;) {
    const { restarts, processId } = await service.look();
    if (restarts > RESTARTS_MAX) return `it ended by itself ${restarts} times; ${trouble}`;
    const found = await healthAt(socketPath);
    const now = performance.now();
    const wrong = troubleOf(found, parts);
    if (wrong === undefined && processId !== 0) {
      if (steady?.processId !== processId) steady = { since: now, processId };
      if (now - steady.since >= steadyMs) return undefined;
    } else {
      steady = undefined;
      trouble = wrong ?? 'it has no process';
    }
    if (now > endsAt + (steady ? steadyMs : 0))
      return `it was not healthy within ${Math.round(healthyWithinMs / 1_000)} s: ${trouble}`;
    await pause(ASK_EVERY_MS);
  }
}

/** Names of the parts that run. Empty when the gateway does not answer. */
export async function runningParts(socketPath: string): Promise<string[]> {
  const { parts = {} } = (await healthAt(socketPath)) ?? {};
  return Object.keys(parts).filter((name) => parts[name]?.state === 'running');
}

interface HealthAnswer {
  status?: string;
  parts?: Record<string, { state?: string; reason?: string }>;
}

function troubleOf(found: HealthAnswer | undefined, expected: readonly string[]): string | undefined {
  if (found === undefined) return 'it did not answer';
  const parts = found.parts ?? {};
  const down = expected.find((name) => parts[name] !== undefined && isDown(name, parts[name].state));
  const missing = expected.find((name) => parts[name] === undefined);
  if (down !== undefined)
    return `${down} is ${parts[down]?.state}${parts[down]?.reason ? `: ${parts[down].reason}` : ''}`;
  if (missing !== undefined) return `${missing} is not there`;
  return found.status === 'notReady' ? 'it says that it is not ready' : undefined;
}

function isDown(name: string, state: string | undefined): boolean {
  return state !== 'running' && (state !== 'degraded' || MUST_RUN.includes(name));
}

/** Undefined where there is no answer that makes sense. */
function healthAt(socketPath: string): Promise<HealthAnswer | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/health/ready', timeout: ANSWER_MS }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_MAX_BYTES) answer.destroy();
      });
      answer.on('close', () => resolve(parsed(text)));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

function parsed(text: string): HealthAnswer | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}
