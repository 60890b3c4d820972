/** Misbehaves as its slug says: `hanging`, `flooding`, `garbling`. */
import mqtt from 'mqtt';

const { GATE_BROKER_URL = '', GATE_ADDON = '', GATE_ADDON_TOKEN = '' } = process.env;
const base = `gate/addons/${GATE_ADDON}`;
const client = mqtt.connect(GATE_BROKER_URL, {
  clientId: GATE_ADDON,
  username: GATE_ADDON,
  password: GATE_ADDON_TOKEN,
  protocolVersion: 4,
  keepalive: 2,
});

const GARBAGE = [
  '',
  'no json',
  '[]',
  '{"id":1}',
  '{"id":"a","ts":"noon","data":{}}',
  '{"id":"a","ts":1,"data":[]}',
  '\u0000\u0001',
];

function hang(): void {
  for (;;) {
    // never gives the event loop back
  }
}

function flood(deviceId: string): void {
  let n = 0;
  setInterval(() => {
    for (let i = 0; i < 1_000; i += 1) {
      n += 1;
      client.publish(
        `${base}/devices/${deviceId}/data`,
        JSON.stringify({ id: `f${n}`, ts: Date.now(), data: { n } }),
        { qos: 1 },
      );
    }
  }, 10);
}

function garble(deviceId: string): void {
  let n = 0;
  setInterval(() => {
    n += 1;
    const topics = [
      `${base}/devices/${deviceId}/data`,
      `${base}/devices/stranger${n}/data`,
      `${base}/nowhere`,
      `${base}/results/x`,
    ];
    client.publish(topics[n % topics.length] as string, GARBAGE[n % GARBAGE.length] as string, { qos: 1 });
  }, 2);
}

client.on('connect', () => {
  client.publish(`${base}/state`, JSON.stringify({ state: 'running', contract: 1, version: '1.0.0' }), {
    qos: 1,
    retain: true,
  });
  client.subscribe(`${base}/config`, { qos: 1 });
});
let begun = false;
client.on('message', (_topic, payload) => {
  const { devices } = JSON.parse(payload.toString()) as { devices: { id: string }[] };
  const device = devices[0];
  if (!device || begun) return;
  begun = true;
  if (GATE_ADDON === 'hanging') setTimeout(hang, 100);
  if (GATE_ADDON === 'flooding') flood(device.id);
  if (GATE_ADDON === 'garbling') garble(device.id);
});
client.on('error', () => process.exit(1));
process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGTERM', () => process.exit(0));
