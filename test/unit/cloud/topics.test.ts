import assert from 'node:assert/strict';
import { CloudTopics } from '../../../src/cloud/topics.ts';

const topics = new CloudTopics({ projectId: 'P', gatewayId: 'G', environment: '' });
const staging = new CloudTopics({ projectId: 'P', gatewayId: 'G', environment: 'staging-' });

describe('the topics of the cloud', () => {
  it('are below the base of this gateway', () => {
    assert.equal(topics.of('data'), 'data/P/G');
    assert.equal(topics.of('control', 'd', 'fetch'), 'control/P/G/d/fetch');
    assert.equal(staging.of('discover', 'status'), 'staging-discover/P/staging-G/status');
    assert.equal(staging.clientId, 'staging-G');
  });

  it('subscribed to have the published ones first, all with at most 7 slashes', () => {
    const { subscriptions } = topics;
    assert.equal(subscriptions.length, 9);
    assert.deepEqual(
      subscriptions.map((topic) => topics.isOptional(topic)),
      [...Array(7).fill(false), true, true],
    );
    assert.ok(subscriptions.every((topic) => topic.split('/').length <= 8));
  });

  it('are taken apart into commands', () => {
    assert.deepEqual(topics.parse('discover/P/G/device/post'), { command: 'createDevice' });
    assert.deepEqual(topics.parse('discover/P/G/protocol/update'), { command: 'updateProtocol' });
    assert.deepEqual(topics.parse('control/P/G/d1/set'), { command: 'set', deviceId: 'd1' });
    assert.deepEqual(staging.parse('staging-control/P/staging-G/d1/get'), { command: 'get', deviceId: 'd1' });
  });

  for (const topic of [
    'discover/P/other/device/post',
    'discover/other/G/device/post',
    'control/P/G/set',
    'control/P/G//set',
    'control/P/G/a/b/set',
    'control/P/G/a/fetch',
    'control/P/G/a/constructor',
    'discover/P/G/constructor',
    'discover/P/G/__proto__',
    'staging-discover/P/staging-G/device/post',
    'data/P/G/a',
    '',
    '$SYS/broker',
  ])
    it(`are no command where it is "${topic}"`, () => assert.equal(topics.parse(topic), undefined));

  for (const topic of ['data/P/G/d1', 'data/P/G/floor/1/lamp', 'telemetry/P/G/d1'])
    it(`may be "${topic}" for readings`, () => assert.equal(topics.problemOf(topic), undefined));

  for (const topic of [
    '',
    'data',
    'data/P/G',
    'data/P/G/',
    'data/P/G//a',
    'data/P/other/d1',
    'data/other/G/d1',
    'x/data/P/G/d1',
    'data/P/G/+/a',
    'data/P/G/#',
    'control/P/G/d1/set',
    'discover/P/G/status',
    '$aws/P/G/d1',
    '/P/G/d1',
    'data/P/G/a b',
    'data/P/G/a\u0000b',
    'data/P/G/a\nb',
    'data/P/G/\ud800',
    `data/P/G/${'x'.repeat(250)}`,
    'data/P/G/1/2/3/4/5/6',
    '../data/P/G/d1',
  ])
    it(`may not be ${JSON.stringify(topic.slice(0, 30))} for readings`, () =>
      assert.notEqual(topics.problemOf(topic), undefined));
});
