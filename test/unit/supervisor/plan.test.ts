import assert from 'node:assert/strict';
import { type ActualAddon, type PlannedAddon, plan, versionOf } from '../../../src/supervisor/plan.ts';

const limits = { connectMs: 20_000, reconnectMs: 5_000 };

function wanted(slug: string, { version = '1.0.0', refusal }: { version?: string; refusal?: string } = {}) {
  const planned: PlannedAddon = {
    slug,
    parameters: {},
    addon: {
      folder: `/addons/${slug}`,
      types: [],
      manifest: {
        id: slug,
        slug,
        name: slug,
        description: '',
        contract: 1,
        version,
        preinstalled: false,
        parameters: {},
        types: [],
        runtime: { process: { entry: 'main.js', memoryMb: 64 } },
      },
    },
    refusal,
  };
  return planned;
}

const version = versionOf(wanted('knx').addon);

function planFor(desired: PlannedAddon[], actual: Record<string, ActualAddon>, nowMs = 100_000) {
  return plan({ desired, actual: new Map(Object.entries(actual)), nowMs, limits });
}

function running(state: 'neverConnected' | 'connected' | 'disconnected', sinceMs = 100_000): ActualAddon {
  return { phase: 'running', version, link: { state, sinceMs } };
}

describe('supervisor plan', () => {
  it('starts an add-on that is desired and not there', () => {
    const knx = wanted('knx');
    assert.deepEqual(planFor([knx], {}).steps, [{ do: 'start', slug: 'knx', addon: knx.addon }]);
  });

  it('refuses an add-on that this runtime cannot run, once', () => {
    const knx = wanted('knx', { refusal: 'no process' });
    assert.deepEqual(planFor([knx], {}).steps, [
      { do: 'refuse', slug: 'knx', addon: knx.addon, reason: 'no process' },
    ]);
    assert.deepEqual(planFor([knx], { knx: { phase: 'refused', version } }).steps, []);
  });

  it('has nothing to do and nothing to wait for while a desired add-on is connected', () => {
    assert.deepEqual(planFor([wanted('knx')], { knx: running('connected', 0) }), {
      steps: [],
      lookAgainAtMs: undefined,
    });
  });

  it('leaves an add-on with other parameters running', () => {
    const knx = { ...wanted('knx'), parameters: { port: 3671 } };
    assert.deepEqual(planFor([knx], { knx: running('connected') }).steps, []);
  });

  it('replaces an add-on of which another version is desired', () => {
    const steps = planFor([wanted('knx', { version: '2.0.0' })], { knx: running('connected') }).steps;
    assert.deepEqual(steps, [{ do: 'replace', slug: 'knx' }]);
  });

  it('starts another version at once, whatever the wait of the one that failed', () => {
    const knx = wanted('knx', { version: '2.0.0' });
    const steps = planFor([knx], { knx: { phase: 'waiting', version, untilMs: 900_000 } }).steps;
    assert.deepEqual(steps, [{ do: 'start', slug: 'knx', addon: knx.addon }]);
  });

  it('waits for the next attempt, then starts', () => {
    const knx = wanted('knx');
    const waiting: ActualAddon = { phase: 'waiting', version, untilMs: 104_000 };
    assert.deepEqual(planFor([knx], { knx: waiting }), { steps: [], lookAgainAtMs: 104_000 });
    assert.equal(planFor([knx], { knx: waiting }, 104_000).steps[0]?.do, 'start');
  });

  it('restarts an add-on that does not connect in time after its start', () => {
    const knx = wanted('knx');
    assert.deepEqual(planFor([knx], { knx: running('neverConnected') }), {
      steps: [],
      lookAgainAtMs: 120_000,
    });
    assert.deepEqual(planFor([knx], { knx: running('neverConnected') }, 120_000).steps, [
      { do: 'restart', slug: 'knx', reason: 'it did not connect within 20 s of its start' },
    ]);
  });

  it('restarts an add-on that stays disconnected', () => {
    const knx = wanted('knx');
    assert.equal(planFor([knx], { knx: running('disconnected') }).lookAgainAtMs, 105_000);
    assert.deepEqual(planFor([knx], { knx: running('disconnected') }, 105_000).steps, [
      { do: 'restart', slug: 'knx', reason: 'it hung: its connection ended and was not back within 5 s' },
    ]);
  });

  it('stops what runs and forgets what waits when it is no longer desired', () => {
    const steps = planFor([], {
      knx: running('connected'),
      http: { phase: 'waiting', version, untilMs: 0 },
      zigbee: { phase: 'refused', version },
    }).steps;
    assert.deepEqual(steps, [
      { do: 'stop', slug: 'knx' },
      { do: 'forget', slug: 'http' },
      { do: 'forget', slug: 'zigbee' },
    ]);
  });

  it('decides nothing of an add-on whose last step is still under way', () => {
    assert.deepEqual(planFor([wanted('knx')], { knx: { phase: 'busy' }, http: { phase: 'busy' } }), {
      steps: [],
      lookAgainAtMs: undefined,
    });
  });

  it('looks again at the earliest of several times', () => {
    const { lookAgainAtMs } = planFor([wanted('knx'), wanted('http')], {
      knx: { phase: 'waiting', version, untilMs: 130_000 },
      http: { phase: 'waiting', version: versionOf(wanted('http').addon), untilMs: 110_000 },
    });
    assert.equal(lookAgainAtMs, 110_000);
  });
});
