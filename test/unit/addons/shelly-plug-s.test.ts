import assert from 'node:assert/strict';
import { ShellyPlugS, type ShellyPlugSOptions } from '../../simulators/shelly-plug-s.ts';

describe('the simulated Shelly Plug S', () => {
  let plug: ShellyPlugS;
  let base: string;
  let nowMs: number;

  async function start(options: ShellyPlugSOptions = {}): Promise<void> {
    nowMs = Date.UTC(2024, 0, 1, 12, 30);
    plug = new ShellyPlugS({ now: () => nowMs, random: () => 0.5, ...options });
    base = `http://127.0.0.1:${await plug.start()}`;
  }

  afterEach(() => plug.stop());

  const get = async (path: string, init?: RequestInit) => {
    const response = await fetch(base + path, init);
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  };

  it('tells what it is without a login', async () => {
    await start({ login: { username: 'admin', password: 'secret' } });
    const { body } = await get('/shelly');
    assert.deepEqual([body.type, body.mac, body.auth], ['SHPLG-S', '7C87CEB4A1F0', true]);
    assert.equal((await get('/status')).status, 401);
    const headers = { authorization: `Basic ${btoa('admin:secret')}` };
    assert.equal((await get('/status', { headers })).status, 200);
  });

  it('has the state of its relay, meter and sensors in /status', async () => {
    await start();
    const { body } = await get('/status');
    assert.deepEqual(body.relays, [
      {
        ison: false,
        has_timer: false,
        timer_started: 0,
        timer_duration: 0,
        timer_remaining: 0,
        overpower: false,
        source: 'http',
      },
    ]);
    assert.deepEqual([body.meters[0].power, body.meters[0].total, body.meters[0].counters.length], [0, 0, 3]);
    assert.deepEqual([body.time, body.uptime, body.overtemperature], ['12:30', 0, false]);
    assert.equal(body.tmp.tC, body.temperature);
  });

  it('draws power, counts energy in watt-minutes and warms up while it is on', async () => {
    await start({ loadWatts: 1_200 });
    const cold = (await get('/status')).body.temperature;
    assert.equal((await get('/relay/0?turn=on')).body.ison, true);
    nowMs += 10 * 60_000;
    const { body } = await get('/status');
    assert.deepEqual([body.meters[0].power, body.meters[0].total, body.uptime], [1_200, 12_000, 600]);
    assert.deepEqual(body.meters[0].counters, [1_200, 1_200, 1_200]);
    assert.ok(body.temperature > cold + 5);
    await get('/relay/0?turn=off');
    nowMs += 60_000;
    assert.equal((await get('/meter/0')).body.total, 12_000);
  });

  it('toggles, by query or form, and goes back when its timer ends', async () => {
    await start();
    const form = { method: 'POST', body: new URLSearchParams({ turn: 'toggle' }) };
    assert.equal((await get('/relay/0', form)).body.ison, true);
    const { body } = await get('/relay/0?turn=off&timer=30');
    assert.deepEqual([body.ison, body.has_timer, body.timer_remaining], [false, true, 30]);
    nowMs += 29_000;
    assert.equal((await get('/relay/0')).body.timer_remaining, 1);
    nowMs += 1_000;
    const after = (await get('/relay/0')).body;
    assert.deepEqual([after.ison, after.has_timer, after.source], [true, false, 'timer']);
  });

  it('follows its button, and switches off under too much load', async () => {
    await start();
    plug.pressButton();
    assert.equal((await get('/relay/0')).body.source, 'input');
    plug.plugIn(4_000);
    const { body } = await get('/relay/0');
    assert.deepEqual([body.ison, body.overpower, body.source], [false, true, 'overpower']);
  });

  it('refuses what it does not know', async () => {
    await start();
    assert.equal((await get('/relay/0?turn=up')).status, 400);
    assert.equal((await get('/relay/0?turn=on&timer=soon')).status, 400);
    assert.equal((await get('/relay/1')).status, 404);
    assert.equal(plug.on, false);
    assert.equal((await get('/settings')).body.max_power, 2_500);
  });
});
