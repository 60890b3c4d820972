/**
 * What one would run instead of the relay: mosquitto on the gateway, as a bridge to the cloud. It takes readings while
 * the cloud is away, is killed, and is started again.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { until } from '../../test/support/until.ts';
import { freePort } from '../peers/free-port.ts';
import { programPath } from '../peers/peers.ts';
import type { Bench } from './benchmark.ts';
import { drained, filesOf, startBroker, startListener } from './cloud-runs.ts';
import { sampleReading } from './sample-reading.ts';

/** Messages that wait for an acknowledgement at a time while the bridge is filled. */
const FILLING = 50;

export interface BridgeRun {
  acknowledged: number;
  lost: number;
  perSecond: number;
}

/** @param autosave everything on disk with each change, in place of every half hour */
export async function bridgeRun({ scope }: Bench, readings: number, autosave: boolean): Promise<BridgeRun> {
  const broker = await startBroker(scope);
  const listener = await startListener(scope, broker);
  const files = filesOf(broker, 'bridge');
  const folder = scope.folder();
  const port = await freePort();
  const lines = [
    `listener ${port} 127.0.0.1`,
    // it reads the key and writes its queue as whoever started it
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${folder}/`,
    'max_queued_messages 0',
    ...(autosave ? ['autosave_on_changes true', 'autosave_interval 1'] : []),
    'connection cloud',
    `address 127.0.0.1:${broker.port}`,
    'cleansession false',
    'remote_clientid bridge',
    'topic data/# out 1',
    'restart_timeout 1',
    `bridge_cafile ${files.ca}`,
    `bridge_certfile ${files.cert}`,
    `bridge_keyfile ${files.key}`,
    'log_type error',
  ];
  const config = join(folder, 'bridge.conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const program = programPath('mosquitto');
  if (!program) throw new Error('mosquitto is not installed: node scripts/peers.ts mosquitto');
  const start = () => scope.program(program, ['-c', config]);
  const connect = () => mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 });

  const first = start();
  // the cloud goes away, as in an outage
  const client = await until('the bridge takes clients', () => connect().catch(() => undefined));
  await broker.stop();
  let sent = 0;
  const fill = async () => {
    while (sent < readings) {
      sent += 1;
      const reading = {
        id: String(sent),
        deviceId: 'd',
        ts: Date.now(),
        seq: sent,
        data: sampleReading(sent),
      };
      await client.publishAsync('data/p/g/d', JSON.stringify(reading), { qos: 1 });
    }
  };
  await Promise.all(Array.from({ length: FILLING }, fill));
  const gone = new Promise((resolve) => first.once('exit', resolve));
  first.kill('SIGKILL');
  await gone;
  client.end(true);
  await broker.start();
  start();
  const { arrived, perSecond } = await drained(listener, readings);
  await broker.stop();
  return { acknowledged: sent, lost: sent - arrived, perSecond };
}
