import assert from 'node:assert/strict';
import {
  afterEnd,
  afterRestart,
  exitReason,
  NO_FAILURES,
  RESTART_LIMITS,
  type RestartHistory,
  waitingReason,
  withWords,
} from '../../../src/supervisor/restart-policy.ts';

const longest = () => 1;
const crash = { reason: 'it exited with code 1', ranMs: 10 };

function afterCrashes(count: number): { history: RestartHistory; waits: number[] } {
  let history = NO_FAILURES;
  const waits: number[] = [];
  for (let crashes = 0; crashes < count; crashes += 1) {
    const next = afterEnd(afterRestart(history), crash, RESTART_LIMITS, longest);
    waits.push(next.waitMs);
    history = next.history;
  }
  return { history, waits };
}

describe('restart policy', () => {
  it('waits twice as long after each failure, up to a minute', () => {
    assert.deepEqual(
      afterCrashes(9).waits,
      [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000],
    );
  });

  it('draws the wait from the upper half, so that add-ons do not start in step', () => {
    assert.equal(afterEnd(NO_FAILURES, crash, RESTART_LIMITS, () => 0).waitMs, 500);
  });

  it('begins anew after a run of a stable minute', () => {
    const { history } = afterCrashes(7);
    const next = afterEnd(history, { ...crash, ranMs: 60_000 }, RESTART_LIMITS, longest);
    assert.equal(next.waitMs, 1_000);
    assert.equal(next.history.attempt, 1);
  });

  it('counts every start after a failure, and not the first', () => {
    assert.equal(afterRestart(NO_FAILURES).restarts, 0);
    assert.equal(afterRestart(afterCrashes(3).history).restarts, 3);
  });

  it('says why it failed, when it starts again and which attempt that is', () => {
    const { history } = afterCrashes(3);
    assert.equal(waitingReason(history, 3_900), 'it exited with code 1; next start in 4 s (attempt 3)');
  });

  it('explains an end by code, by signal, and by the last words', () => {
    assert.equal(exitReason({ code: 0, signal: null, lastWords: '' }), 'it exited with code 0');
    assert.equal(exitReason({ code: null, signal: 'SIGSEGV', lastWords: '' }), 'it was ended by SIGSEGV');
    assert.match(exitReason({ code: null, signal: 'SIGKILL', lastWords: '' }), /memory/);
    assert.equal(
      exitReason({ code: 1, signal: null, lastWords: 'Error: no such port' }),
      'it exited with code 1 ("Error: no such port")',
    );
    assert.equal(withWords('it hung', ''), 'it hung');
  });
});
