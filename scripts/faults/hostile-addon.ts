/** What an add-on may do to its gateway, by mistake or not. Each returns how often it did so. */
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { until } from '../../test/support/until.ts';
import type { OutsideAddon } from './outside-addon.ts';
import type { Random } from './random.ts';
import { demand } from './scenario.ts';

const IN_FLIGHT_MAX = 2_000;
const PADDING = 'x'.repeat(1_000);
const HUGE_BYTES = 10 * 1024 * 1024;
const ENDS_WITHIN_MS = 10_000;
const TRIES = 200;
const DEPTH = 5_000;

export interface Attack {
  addon: OutsideAddon;
  random: Random;
  /** Another add-on, and what is its own. */
  victim: { slug: string; deviceId: string };
  brokerPort: number;
  forMs: number;
}

/** As fast as it can, and more than the gateway can take. */
async function floods({ addon, forMs }: Attack): Promise<number> {
  const client = await addon.connect();
  const topic = `${addon.base}/devices/${addon.deviceIds[0]}/data`;
  const endsAt = performance.now() + forMs;
  let sent = 0;
  let inFlight = 0;
  while (performance.now() < endsAt) {
    for (; inFlight < IN_FLIGHT_MAX; inFlight += 1) {
      const reading = {
        id: `f${process.hrtime.bigint()}`,
        ts: Date.now(),
        data: { n: sent, padding: PADDING },
      };
      client.publish(topic, JSON.stringify(reading), { qos: 1 }, () => {
        inFlight -= 1;
      });
      sent += 1;
    }
    await pause(1);
  }
  return sent;
}

async function sendsTooMuch({ addon }: Attack): Promise<number> {
  const client = await addon.connect();
  let isClosed = false;
  client.once('close', () => {
    isClosed = true;
  });
  client.publish(`${addon.base}/devices/${addon.deviceIds[0]}/data`, Buffer.alloc(HUGE_BYTES, 'x'), {
    qos: 1,
  });
  await until('its connection is ended', () => isClosed, ENDS_WITHIN_MS);
  return 1;
}

async function publishesOutside({ addon, victim }: Attack): Promise<number> {
  const client = await addon.connect();
  const forged = JSON.stringify({ id: 'forged', ts: Date.now(), data: { n: -1 } });
  const stopped = JSON.stringify({ state: 'stopped', contract: 1, version: '1.0.0' });
  const theirs = `gate/addons/${victim.slug}`;
  const messages = [
    [`${theirs}/devices/${victim.deviceId}/data`, forged],
    // another's device below its own base
    [`${addon.base}/devices/${victim.deviceId}/data`, forged],
    [`${addon.base}/devices/${victim.deviceId}/availability`, JSON.stringify({ online: false })],
    [`${theirs}/state`, stopped],
    [`${theirs}/config`, JSON.stringify({ parameters: {}, devices: [] })],
    ['$SYS/forged', forged],
    [`${addon.base}/../${victim.slug}/state`, stopped],
  ] as const;
  await inTurn(client, messages);
  return messages.length;
}

/** Nothing may come of it but what is its own. */
async function listensOutside({ addon, victim, forMs }: Attack): Promise<number> {
  const client = await addon.connect();
  const heard: string[] = [];
  client.on('message', (topic) => heard.push(topic));
  const filters = [
    '#',
    '+/+/+/#',
    '$SYS/#',
    `gate/addons/${victim.slug}/#`,
    `gate/addons/${victim.slug}/config`,
  ];
  for (const filter of filters) await client.subscribeAsync(filter, { qos: 1 }).catch(() => undefined);
  await pause(Math.min(forMs, 1_000));
  const foreign = heard.filter((topic) => !topic.startsWith(`${addon.base}/`));
  demand(foreign.length === 0, () => `an add-on hears what is not its own: ${foreign[0]}`);
  return filters.length;
}

async function garbles({ addon, random }: Attack): Promise<number> {
  const client = await addon.connect();
  const topics = ['state', 'events', 'results/none', `devices/${addon.deviceIds[0]}/data`, 'devices//data'];
  const payloads: (() => string | Buffer)[] = [
    () => '{"id":',
    () => '',
    () => 'null',
    () => '[]',
    () => `{"id":"x","ts":1e400,"data":{}}`,
    () => `{"id":"x","ts":-1,"data":{"__proto__":{"a":1}}}`,
    () => `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`,
    () => `{"id":"d","ts":1,"data":${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}}`,
    () => Buffer.from(Array.from({ length: random.whole(1, 500) }, () => random.whole(0, 256))),
  ];
  const messages = Array.from(
    { length: TRIES },
    () => [`${addon.base}/${random.pick(topics)}`, random.pick(payloads)()] as const,
  );
  await inTurn(client, messages);
  return TRIES;
}

/** Not even MQTT. */
async function speaksNonsense({ random, brokerPort }: Attack): Promise<number> {
  for (let n = 0; n < TRIES / 4; n += 1) {
    const socket = connect(brokerPort, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(Buffer.from(Array.from({ length: random.whole(1, 200) }, () => random.whole(0, 256))));
    await pause(5);
    socket.destroy();
  }
  return TRIES / 4;
}

export const ADDON_ATTACKS: Record<string, (attack: Attack) => Promise<number>> = {
  'an add-on floods': floods,
  'an add-on sends 10 MB': sendsTooMuch,
  'an add-on publishes outside of its base': publishesOutside,
  'an add-on subscribes outside of its base': listensOutside,
  'an add-on sends what is no JSON': garbles,
  'somebody speaks no MQTT': speaksNonsense,
};

/** Whatever comes of it: an answer, or the end of the connection. */
async function inTurn(
  client: MqttClient,
  messages: readonly (readonly [string, string | Buffer])[],
): Promise<void> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  for (const [topic, payload] of messages) {
    if (!client.connected) return;
    await Promise.race([client.publishAsync(topic, payload, { qos: 1 }).catch(() => undefined), closed]);
  }
}
