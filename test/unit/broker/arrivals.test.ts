import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { ARRIVAL_MAX_MS, Arrivals, BEGIN_MS } from '../../../src/broker/arrivals.ts';

describe('an add-on that is about to connect', () => {
  let arrivals: Arrivals;
  let clockMs: number;
  beforeEach(() => {
    clockMs = 1_000;
    mock.timers.enable({ apis: ['setTimeout'] });
    arrivals = new Arrivals({ monotonicNow: () => clockMs });
  });
  afterEach(() => mock.timers.reset());

  const pass = (ms: number) => {
    clockMs += ms;
    mock.timers.tick(ms);
  };
  /** Whether it has ended by now. */
  async function ended(wait: Promise<void> | undefined): Promise<boolean> {
    assert.ok(wait);
    return Promise.race([wait.then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);
  }

  it('is waited for once it is started, until it has come', async () => {
    assert.equal(arrivals.wait('lamps', 1_000), undefined);
    arrivals.expect('lamps');
    const wait = arrivals.wait('lamps', 60_000);
    pass(ARRIVAL_MAX_MS - 1);
    assert.equal(await ended(wait), false);
    arrivals.arrived('lamps');
    await wait;
    assert.equal(arrivals.wait('lamps', 1_000), undefined);
  });

  it('is waited for no longer than it may take, than its caller has, or than it is wanted', async () => {
    arrivals.expect('lamps');
    const late = arrivals.wait('lamps', 60_000);
    const short = arrivals.wait('lamps', 500);
    const abort = new AbortController();
    const cancelled = arrivals.wait('lamps', 60_000, abort.signal);
    abort.abort();
    await cancelled;
    pass(500);
    await short;
    assert.equal(await ended(late), false);
    pass(ARRIVAL_MAX_MS);
    await late;
    arrivals.expect('lamps');
    const givenUp = arrivals.wait('lamps', 60_000);
    arrivals.givenUp('lamps');
    await givenUp;
    assert.equal(arrivals.wait('lamps', 1_000), undefined);
  });

  it('is waited for shortly after the begin, whichever it is', async () => {
    arrivals.begin();
    const wait = arrivals.wait('lamps', 60_000);
    pass(BEGIN_MS - 1);
    assert.equal(await ended(wait), false);
    pass(1);
    await wait;
    assert.equal(arrivals.wait('lamps', 1_000), undefined);
  });
});
