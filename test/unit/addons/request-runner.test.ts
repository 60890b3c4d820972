import assert from 'node:assert/strict';
import { AddonError, type AddonLog, type DeviceRequest, type RequestHandler } from '@gate/addon-sdk';
import { RequestRunner } from '../../../addons/sdk/src/request-runner.ts';
import type { ResultMessage } from '../../../src/contract/messages.ts';
import { ManualClock } from './manual-clock.ts';

describe('requests to an add-on', () => {
  let clock: ManualClock;
  let answers: [string, ResultMessage][];
  let errors: string[];

  beforeEach(() => {
    clock = new ManualClock();
    answers = [];
    errors = [];
  });

  const log: AddonLog = { info: () => undefined, error: (message) => errors.push(message) };

  function runnerOf(handlers: Record<string, RequestHandler<DeviceRequest>>): RequestRunner {
    return new RequestRunner({
      handlers: new Map(Object.entries(handlers)),
      answer: (requestId, result) => answers.push([requestId, result]),
      clock,
      log,
    });
  }

  function deliver(runner: RequestRunner, requestId: string, request: Record<string, unknown>): void {
    const message = { params: {}, deviceId: 'd1', deadline: clock.now() + 1_000, ...request };
    runner.deliver(requestId, Buffer.from(JSON.stringify(message)));
  }

  const error = (index: number) => {
    const result = answers[index]?.[1];
    assert.ok(result && !result.ok);
    return result.error;
  };

  it('hands a request to its handler and answers with what that returns', async () => {
    const runner = runnerOf({ set: ({ deviceId, params }) => ({ deviceId, got: params }) });
    deliver(runner, 'r1', { method: 'set', params: { on: true } });
    await clock.advance(0);
    assert.deepEqual(answers, [['r1', { ok: true, value: { deviceId: 'd1', got: { on: true } } }]]);
  });

  it('answers null where a handler returns nothing', async () => {
    deliver(runnerOf({ remove: async () => undefined }), 'r1', { method: 'remove' });
    await clock.advance(0);
    assert.deepEqual(answers, [['r1', { ok: true, value: null }]]);
  });

  it('runs a request that is delivered twice once', async () => {
    let runs = 0;
    const runner = runnerOf({ set: () => ++runs });
    deliver(runner, 'r1', { method: 'set' });
    deliver(runner, 'r1', { method: 'set' });
    await clock.advance(0);
    assert.deepEqual([runs, answers.length], [1, 1]);
  });

  it('answers what it does not know with unsupported, names of built-in members too', () => {
    const runner = runnerOf({ set: () => null });
    deliver(runner, 'r1', { method: 'scan' });
    deliver(runner, 'r2', { method: 'constructor' });
    assert.deepEqual([error(0).code, error(1).code], ['unsupported', 'unsupported']);
  });

  it('answers a request that breaks the contract instead of running it', () => {
    const runner = runnerOf({ set: () => assert.fail('must not run') });
    runner.deliver('r1', Buffer.from('{"method":'));
    runner.deliver('r2', Buffer.from('[]'));
    deliver(runner, 'r3', { method: 'set', params: 'on' });
    deliver(runner, 'r4', { method: 'set', deviceId: undefined });
    assert.deepEqual(
      answers.map(([, result]) => !result.ok && result.error.code),
      ['badRequest', 'badRequest', 'badRequest', 'badRequest'],
    );
  });

  it("passes on an add-on's own error with code, hint and the device's status", async () => {
    const thrown = new AddonError('deviceRefused', 'it said no', { hint: 'ask again', deviceStatus: 403 });
    deliver(runnerOf({ set: async () => Promise.reject<null>(thrown) }), 'r1', { method: 'set' });
    await clock.advance(0);
    assert.deepEqual(error(0), {
      code: 'deviceRefused',
      message: 'it said no',
      hint: 'ask again',
      deviceStatus: 403,
    });
    assert.deepEqual(errors, []);
  });

  it('survives a defect in a handler, logs it and answers', async () => {
    const broken = () => {
      throw new TypeError('x is undefined');
    };
    deliver(runnerOf({ set: broken }), 'r1', { method: 'set' });
    await clock.advance(0);
    assert.deepEqual(error(0), { code: 'internal', message: 'x is undefined' });
    assert.equal(errors.length, 1);
  });

  it('cuts an error to what the contract takes', async () => {
    const thrown = new AddonError('c'.repeat(100), 'm'.repeat(2_000), { hint: 'h'.repeat(2_000) });
    deliver(runnerOf({ set: async () => Promise.reject<null>(thrown) }), 'r1', { method: 'set' });
    await clock.advance(0);
    const { code, message, hint = '' } = error(0);
    assert.deepEqual([code.length, message.length, hint.length], [64, 1_000, 1_000]);
  });

  it('aborts at the deadline, answers timeout, and drops what comes late', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let signal: AbortSignal | undefined;
    const runner = runnerOf({
      get: (request) => {
        signal = request.signal;
        return promise;
      },
    });
    deliver(runner, 'r1', { method: 'get' });
    await clock.advance(999);
    assert.equal(answers.length, 0);
    await clock.advance(1);
    assert.equal(error(0).code, 'timeout');
    assert.equal(signal?.aborted, true);
    resolve('late');
    await clock.advance(0);
    assert.equal(answers.length, 1);
  });

  it('does not begin what is too late already, and says that clocks may differ', () => {
    deliver(runnerOf({ set: () => assert.fail('must not run') }), 'r1', {
      method: 'set',
      deadline: clock.now(),
    });
    assert.equal(error(0).code, 'timeout');
    assert.match(error(0).hint ?? '', /clocks/);
  });

  it('refuses a result that would not pass the broker', async () => {
    deliver(runnerOf({ get: () => 'x'.repeat(2_000_000) }), 'r1', { method: 'get' });
    await clock.advance(0);
    assert.equal(error(0).code, 'tooLarge');
  });

  it('runs a bounded number at once', async () => {
    const runner = runnerOf({ get: () => new Promise<null>(() => undefined) });
    for (let index = 0; index <= 1_000; index += 1) deliver(runner, `r${index}`, { method: 'get' });
    assert.deepEqual([answers.length, error(0).code], [1, 'busy']);
    runner.abort();
    await clock.advance(0);
    assert.equal(answers.length, 1_001);
    assert.equal(clock.waiting, 0);
  });
});
