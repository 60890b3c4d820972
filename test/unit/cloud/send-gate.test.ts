import assert from 'node:assert/strict';
import { SendGate } from '../../../src/cloud/send-gate.ts';
import { until } from '../../support/until.ts';

describe('the gate to the cloud', () => {
  let gate: SendGate;
  let nowMs = 0;
  let sent: string[];
  const open = (publishesPerSecond: number, unacknowledgedMax: number, monotonicNow = () => nowMs) => {
    nowMs = 0;
    sent = [];
    gate = new SendGate({ publishesPerSecond, unacknowledgedMax, monotonicNow });
  };
  const submit = (name: string, isUrgent = false) => gate.submit(() => sent.push(name), { isUrgent });
  afterEach(() => gate.close());

  it('lets no more through than may be unacknowledged', () => {
    open(0, 2);
    for (const name of ['a', 'b', 'c', 'd']) submit(name);
    assert.deepEqual(sent, ['a', 'b']);
    gate.acknowledged();
    assert.deepEqual(sent, ['a', 'b', 'c']);
  });

  it('lets reports go before readings that wait', () => {
    open(0, 1);
    for (const name of ['reading 1', 'reading 2']) submit(name);
    submit('report', true);
    gate.acknowledged();
    gate.acknowledged();
    assert.deepEqual(sent, ['reading 1', 'report', 'reading 2']);
  });

  it('lets no more than its number through in any second', () => {
    open(3, Infinity);
    for (const name of ['a', 'b']) submit(name);
    nowMs = 900;
    for (const name of ['c', 'd']) submit(name);
    assert.deepEqual(sent, ['a', 'b', 'c']);
    nowMs = 1_000;
    submit('e');
    assert.deepEqual(sent, ['a', 'b', 'c', 'd', 'e']);
    nowMs = 1_500;
    submit('f');
    assert.equal(sent.length, 5);
    nowMs = 1_900;
    submit('g');
    assert.deepEqual(sent.slice(5), ['f']);
  });

  it('goes on by itself when the second is over', async () => {
    open(1, Infinity, () => performance.now());
    for (const name of ['a', 'b']) submit(name);
    assert.deepEqual(sent, ['a']);
    await until('the next one went', () => sent.length === 2);
  });

  it('lets nothing through when it is closed', () => {
    open(0, 1);
    for (const name of ['a', 'b']) submit(name);
    gate.close();
    gate.acknowledged();
    submit('c', true);
    assert.deepEqual(sent, ['a']);
  });
});
