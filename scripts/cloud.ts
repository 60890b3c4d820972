/**
 * `node scripts/cloud.ts [--folder DIR] [--port N] [--host NAME]`: a stand-in of the cloud's other half, for development.
 * Makes an authority and a gateway's credentials folder (kept in DIR), starts mosquitto with mutual TLS, shows what
 * arrives, and sends what is typed: `<topic below the gateway's base> <JSON>`, for example
 * `control <deviceId>/set {"state":"ON"}`.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Authority } from './cloud/authority.ts';
import { CloudCounterpart } from './cloud/counterpart.ts';
import { writeCredentials } from './cloud/credentials-folder.ts';
import { MutualTlsBroker } from './cloud/mutual-tls-broker.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'cloud-stand-in' },
    port: { type: 'string', default: '8883' },
    host: { type: 'string', default: '127.0.0.1' },
    project: { type: 'string', default: 'project' },
    gateway: { type: 'string', default: 'gateway' },
  },
});
const folder = resolve(values.folder);
const place = {
  host: values.host,
  port: Number(values.port),
  projectId: values.project,
  gatewayId: values.gateway,
};
const authority = new Authority(join(folder, 'authority'));
const credentials = join(folder, 'credentials');
if (!existsSync(join(credentials, 'certificate.pem'))) writeCredentials(credentials, place, authority);
const isName = /[a-z]/i.test(place.host);
const broker = await MutualTlsBroker.start({
  folder: join(folder, 'broker'),
  authority,
  port: place.port,
  address: '0.0.0.0',
  alternativeNames: `IP:127.0.0.1,DNS:localhost,${isName ? 'DNS' : 'IP'}:${place.host}`,
});
const counterpart = await CloudCounterpart.connect(authority, { port: place.port });
counterpart.onHeard = ({ topic, payload }) => console.log(`${topic} ${JSON.stringify(payload)}`);

console.log(`listening on port ${place.port}; start a gateway with:  CONFIG_FOLDER=${credentials} npm start`);
console.log('type <kind> <rest of the topic> <JSON>, for example:');
console.log('  discover protocol/post {"protocolRecord":{"id":"http","slug":"http"}}');
console.log('  control <deviceId>/get {"requestId":"1","payload":{}}');

const end = async () => {
  await counterpart.close();
  await broker.stop();
  process.exit(0);
};
createInterface(process.stdin)
  .on('line', (line) => {
    const [, kind, rest, payload = '{}'] = /^(\w+)\s+(\S+)\s*(.*)$/.exec(line.trim()) ?? [];
    if (kind === undefined) {
      if (line.trim()) console.log('it must be: <kind> <rest of the topic> <JSON>');
      return;
    }
    void counterpart.send(`${kind}/${place.projectId}/${place.gatewayId}/${rest}`, payload || '{}');
  })
  .on('close', () => void end());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());
