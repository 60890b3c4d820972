import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { InstallationJob } from '../../../src/core/installations/installation-job.ts';

/** Deadline and trial, so that the one falls into the other. */
const [LATE_MS, TRIAL_MS] = [20, 60];

describe('what is under way for an add-on', () => {
  let job: InstallationJob;
  let told: string[];

  beforeEach(() => {
    told = [];
    job = new InstallationJob({ kind: 'update', plan: {}, slug: 'a', protocolId: 'a', startedAt: 0 });
    job.startClock(LATE_MS, () => told.push('late'));
  });
  afterEach(() => job.end());

  it('is late when nothing has begun by its deadline', async () => {
    await pause(2 * LATE_MS);
    assert.deepEqual(told, ['late']);
  });

  it('may end a trial that has begun by then', async () => {
    job.startTrial(TRIAL_MS, () => {
      told.push('passes');
      job.settle();
      return true;
    });
    await pause(2 * TRIAL_MS);
    assert.deepEqual(told, ['passes']);
  });

  it('is late after a trial that it did not pass', async () => {
    job.startTrial(TRIAL_MS, () => {
      told.push('fails');
      return false;
    });
    await pause(2 * TRIAL_MS);
    assert.deepEqual(told, ['fails', 'late']);
  });

  it('is not late when its end has begun, and what it waits for is given up with it', async () => {
    job.startTrial(TRIAL_MS, () => told.push('too late') > 0);
    job.settle();
    await pause(2 * TRIAL_MS);
    assert.deepEqual(told, []);
    const aborted = once(job.signal, 'abort');
    job.end();
    await aborted;
  });
});
