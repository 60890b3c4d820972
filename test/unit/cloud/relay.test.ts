import assert from 'node:assert/strict';
import type { CloudPublisher } from '../../../src/cloud/publisher.ts';
import { Relay } from '../../../src/cloud/relay/relay.ts';
import { AWS_LIMITS, type RelayLimits } from '../../../src/cloud/relay/relay-limits.ts';
import { BACKLOG_WINDOW, LIVE_PATIENCE_MS, LIVE_WINDOW } from '../../../src/cloud/relay/relay-session.ts';
import { GatewayError } from '../../../src/model/error.ts';
import type { RelayItem } from '../../../src/model/relay.ts';
import { type OpenedStore, openStore, TEST_ADDON, testDevice } from '../../support/open-store.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const LIST = 'data/p/g';
const NOW = Date.now();

/** A link that acknowledges when the test says so. */
class HandLink implements CloudPublisher {
  readonly sent: { topic: string; items: RelayItem[]; acknowledge: () => void; refuse: () => void }[] = [];
  isOpen = false;

  publish(topic: string, payload: string): Promise<void> {
    const parsed = JSON.parse(payload) as RelayItem | RelayItem[];
    return new Promise((resolve, reject) => {
      const items = Array.isArray(parsed) ? parsed : [parsed];
      this.sent.push({
        topic,
        items,
        acknowledge: resolve,
        refuse: () => reject(new GatewayError('cloudRefused', 'not to that topic')),
      });
      if (this.isOpen) resolve();
    });
  }

  open(): void {
    this.isOpen = true;
    for (const { acknowledge } of this.sent) acknowledge();
  }

  numbers(kind: 'live' | 'list'): number[] {
    const chosen = this.sent.filter(({ topic }) => (topic === LIST) === (kind === 'list'));
    return chosen.flatMap(({ items }) =>
      items.map((item) => ('seq' in item ? item.seq : item.dropped.toSeq)),
    );
  }
}

const count = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, n) => first + n);

describe('the relay', () => {
  let folder: ReturnType<typeof tempFolder>;
  let opened: OpenedStore;
  let relay: Relay;
  let monotonicMs: number;
  let appended: number;
  const troubles: unknown[] = [];

  async function append(n: number, text = ''): Promise<void> {
    const readings = Array.from({ length: n }, () => {
      appended += 1;
      return { deviceId: 'lamp', id: `r${appended}`, ts: NOW + appended, data: { text } };
    });
    await Promise.all(readings.map((reading) => opened.store.append(TEST_ADDON, reading)));
    relay.readingsStored();
  }

  async function start(limits: Partial<RelayLimits> = {}): Promise<void> {
    opened = await openStore(folder.path, { relaying: true });
    await opened.store.saveDevice(testDevice('lamp'));
    relay = new Relay({
      store: opened.store,
      limits: { ...AWS_LIMITS, ...limits },
      listTopic: LIST,
      topicOf: (deviceId) => `${LIST}/${deviceId}`,
      onTrouble: (error) => troubles.push(error),
      monotonicNow: () => monotonicMs,
    });
    relay.start();
  }

  async function stop(): Promise<void> {
    relay.stop();
    await opened.store.stop();
  }

  const nothingLeft = () => until('everything is acknowledged', () => relay.backlog().readings === 0);

  beforeEach(async () => {
    folder = tempFolder();
    monotonicMs = 0;
    appended = 0;
    troubles.length = 0;
    await start();
  });

  afterEach(async () => {
    await stop();
    folder.remove();
  });

  it('sends what is stored while the link is up one by one, each to the topic of its device', async () => {
    const link = new HandLink();
    relay.linkUp(link);
    await append(3);
    await until('three are sent', () => link.sent.length === 3);
    assert.deepEqual(link.numbers('live'), [1, 2, 3]);
    assert.deepEqual(new Set(link.sent.map(({ topic }) => topic)), new Set([`${LIST}/lamp`]));
    assert.equal(relay.backlog().readings, 3);
    link.open();
    await nothingLeft();
  });

  it('sends what was stored before in lists, in order', async () => {
    await append(5);
    assert.deepEqual(relay.backlog(), { readings: 5, sinceMs: NOW + 1 });
    const link = new HandLink();
    link.open();
    relay.linkUp(link);
    await nothingLeft();
    assert.deepEqual(link.numbers('list'), [1, 2, 3, 4, 5]);
    assert.equal(link.sent.length, 1);
  });

  it('has a bounded number of messages under way, and the live flow is not held up by the other', async () => {
    await stop();
    await start({ messageBytes: 400, backlogBytesPerSecond: 0 });
    await append(100);
    const link = new HandLink();
    relay.linkUp(link);
    await until('the window of the backlog is full', () => link.sent.length === BACKLOG_WINDOW);
    await append(LIVE_WINDOW + 30);
    await until('the live window is full', () => link.numbers('live').length === LIVE_WINDOW);
    assert.deepEqual(link.numbers('live'), count(101, 100 + LIVE_WINDOW));
    assert.equal(link.sent.length, BACKLOG_WINDOW + LIVE_WINDOW);
    link.open();
    await nothingLeft();
    assert.deepEqual(
      [...link.numbers('live'), ...link.numbers('list')].sort((a, b) => a - b),
      count(1, 130 + LIVE_WINDOW),
    );
  });

  it('sends live readings as backlog when they come faster than they are taken, and then live again', async () => {
    const link = new HandLink();
    relay.linkUp(link);
    await append(LIVE_WINDOW + 1);
    await until('the live window is full', () => link.sent.length === LIVE_WINDOW);
    monotonicMs = LIVE_PATIENCE_MS;
    await append(9);
    await until('the rest goes as a list', () => link.numbers('list').length === 10);
    for (const { acknowledge } of [...link.sent]) acknowledge();
    await nothingLeft();
    await append(1);
    await until('the next one is live again', () => link.numbers('live').includes(LIVE_WINDOW + 11));
    link.open();
    await nothingLeft();
  });

  it('sends again after a restart what was not acknowledged, and nothing else', async () => {
    const link = new HandLink();
    relay.linkUp(link);
    await append(10);
    await until('all are sent', () => link.sent.length === 10);
    for (const at of [0, 1, 2, 6]) link.sent[at]?.acknowledge();
    await until('four are acknowledged', () => relay.backlog().readings === 6);
    await stop();
    await start();
    const second = new HandLink();
    second.open();
    relay.linkUp(second);
    await nothingLeft();
    assert.deepEqual(second.numbers('list'), [4, 5, 6, 8, 9, 10]);
    const idOf = (from: HandLink, seq: number) =>
      from.sent.flatMap(({ items }) => items).find((item) => 'seq' in item && item.seq === seq);
    assert.deepEqual(idOf(second, 4), idOf(link, 4));
  });

  it('sends again after the link was lost; what is acknowledged late is not sent a third time', async () => {
    await append(2);
    const first = new HandLink();
    relay.linkUp(first);
    await until('it is sent', () => first.sent.length === 1);
    relay.linkDown();
    const second = new HandLink();
    relay.linkUp(second);
    await until('it is sent again', () => second.sent.length === 1);
    assert.deepEqual(second.numbers('list'), [1, 2]);
    relay.linkDown();
    first.open();
    await nothingLeft();
    const third = new HandLink();
    relay.linkUp(third);
    await append(1);
    await until('the next one is sent', () => third.sent.length === 1);
    assert.deepEqual(third.numbers('live'), [3]);
    third.open();
  });

  it('begins anew when a message is refused although the link is up', async () => {
    const link = new HandLink();
    relay.linkUp(link);
    await append(2);
    await until('both are sent', () => link.sent.length === 2);
    link.sent[0]?.refuse();
    await until('it says so', () => troubles.length === 1);
    assert.equal(relay.backlog().refused, 'not to that topic');
    link.isOpen = true;
    await nothingLeft();
    assert.deepEqual(link.numbers('list'), [1, 2]);
    assert.equal(relay.backlog().refused, 'not to that topic');
    monotonicMs += 90_001;
    assert.deepEqual(relay.backlog(), { readings: 0 });
  });

  it('says in its place what was deleted before it was sent, live too', async () => {
    await opened.store.saveDevice(testDevice('plug'));
    await append(1);
    await opened.store.append(TEST_ADDON, { deviceId: 'plug', id: 'p', ts: NOW, data: {} });
    await append(1);
    await opened.store.removeDevice('plug');
    await stop();
    await start();
    await until('it is deleted', () => [...opened.store.relayItems(2, 2)].some((item) => 'dropped' in item));
    const link = new HandLink();
    link.open();
    relay.linkUp(link);
    await nothingLeft();
    const [message] = link.sent;
    assert.deepEqual(message?.items[1], { dropped: { fromSeq: 2, toSeq: 2 } });
    assert.deepEqual(link.numbers('list'), [1, 2, 3]);
  });

  it('keeps to the rate of the backlog', async () => {
    await stop();
    await start({ messageBytes: 1_000, backlogBytesPerSecond: 100_000 });
    await append(100);
    const link = new HandLink();
    link.open();
    const startedAt = monotonicMs;
    relay.linkUp(link);
    // the clock is the test's: only what may go at this moment is sent
    await until('the first is sent', () => link.sent.length > 0);
    await until('all is sent as the clock goes on', () => {
      monotonicMs += 1;
      return relay.backlog().readings === 0;
    });
    const bytes = link.sent.reduce((sum, { items }) => sum + JSON.stringify(items).length, 0);
    assert.ok(monotonicMs - startedAt >= ((bytes - 2_000) / 100_000) * 1_000);
  });
});
