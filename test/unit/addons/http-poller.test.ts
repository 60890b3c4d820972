import assert from 'node:assert/strict';
import { BACKOFF_MAX_MS, HttpPoller, type Polled } from '../../../addons/http/src/http-poller.ts';
import { ManualClock } from './manual-clock.ts';

describe('the polling of one HTTP device', () => {
  let clock: ManualClock;
  let polls: number[];
  let answers: Polled[];
  let availability: [boolean, string | undefined][];
  let answer: () => Promise<Polled>;
  let poller: HttpPoller;

  beforeEach(() => {
    clock = new ManualClock(0);
    polls = [];
    answers = [];
    availability = [];
    answer = async () => ({ body: {}, ts: clock.now() });
  });

  afterEach(() => poller.stop());

  function start(intervalMs = 10_000, random = () => 0.5): void {
    poller = new HttpPoller({
      intervalMs,
      poll: () => {
        polls.push(clock.now());
        return answer();
      },
      onAnswer: (polled) => answers.push(polled),
      onAvailability: (online, reason) => availability.push([online, reason]),
      clock,
      random,
    });
    poller.start();
  }

  it('begins at a moment of its own and keeps its beat', async () => {
    start();
    await clock.advance(31_000);
    assert.deepEqual(polls, [1_000, 11_000, 21_000, 31_000]);
    assert.equal(answers.length, 4);
    assert.deepEqual(availability[0], [true, undefined]);
  });

  it('finds a beat of its own after its first poll, so that many devices spread over their interval', async () => {
    const draws = [0.5, 0];
    start(10_000, () => draws.shift() ?? 0.9);
    await clock.advance(26_000);
    assert.deepEqual(polls, [1_000, 6_000, 16_000, 26_000]);
  });

  it('polls soon when it is told to, and once more when a poll is under way', async () => {
    start();
    await clock.advance(2_000);
    poller.soon();
    poller.soon();
    await clock.advance(250);
    assert.deepEqual(polls, [1_000, 2_250]);
    answer = () =>
      new Promise((resolve) => void clock.after(500, () => resolve({ body: {}, ts: clock.now() })));
    await clock.advance(10_100);
    poller.soon();
    await clock.advance(750);
    assert.deepEqual(polls, [1_000, 2_250, 12_250, 13_000]);
  });

  it('never asks twice at once, and gives a slow device some rest', async () => {
    answer = () =>
      new Promise((resolve) => void clock.after(2_500, () => resolve({ body: {}, ts: clock.now() })));
    start(1_000, () => 0);
    await clock.advance(5_300);
    assert.deepEqual(polls, [0, 2_600, 5_200]);
  });

  it('calls a device offline after its second failure in a row, with the reason, and online at its first answer', async () => {
    answer = () => Promise.reject(new Error('it refused the connection'));
    start(1_000);
    await clock.advance(600);
    assert.deepEqual([polls.length, availability], [1, []]);
    await clock.advance(2_000);
    assert.deepEqual(availability, [[false, 'it refused the connection']]);
    answer = async () => ({ body: {}, ts: 0 });
    await clock.advance(4_000);
    assert.deepEqual(availability.at(-1), [true, undefined]);
  });

  it('asks a silent device ever more rarely, up to every 5 minutes, and at its beat once it answers', async () => {
    answer = () => Promise.reject(new Error('silent'));
    start();
    await clock.advance(24 * 3_600_000);
    const gaps = polls.slice(1).map((at, index) => at - (polls[index] ?? 0));
    assert.ok(gaps.every((gap, index) => index < 1 || gap >= (gaps[index - 1] ?? 0)));
    assert.ok((gaps.at(-1) ?? 0) <= BACKOFF_MAX_MS && (gaps.at(-1) ?? 0) >= BACKOFF_MAX_MS / 2);
    answer = async () => ({ body: {}, ts: 0 });
    await clock.advance(BACKOFF_MAX_MS);
    const before = polls.length;
    await clock.advance(60_000);
    assert.equal(polls.length - before, 6);
  });

  it('takes an answer that gate cannot take for a failure', async () => {
    start(1_000, () => 0);
    poller.stop();
    const refuse = () => {
      throw new Error('larger than a reading may be');
    };
    poller = new HttpPoller({
      intervalMs: 1_000,
      poll: () => answer(),
      onAnswer: refuse,
      onAvailability: (online, reason) => availability.push([online, reason]),
      clock,
      random: () => 0,
    });
    poller.start();
    await clock.advance(5_000);
    assert.deepEqual(availability[0], [false, 'larger than a reading may be']);
  });

  it('says nothing any more once it is stopped', async () => {
    const { promise, resolve } = Promise.withResolvers<Polled>();
    answer = () => promise;
    start();
    await clock.advance(1_000);
    poller.stop();
    resolve({ body: {}, ts: 0 });
    await clock.advance(60_000);
    assert.deepEqual([answers, availability, clock.waiting], [[], [], 0]);
  });
});
