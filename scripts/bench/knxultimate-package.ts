/** `node knxultimate-package.ts FOLDER PORT TOTAL`: the same burst through the npm package `knxultimate` 5.4.0, with its own pacing. */
import { createRequire } from 'node:module';
import { join } from 'node:path';

interface UltimateClient {
  on(event: 'connected' | 'error', listener: (error: unknown) => void): void;
  Connect(): void;
  writeRaw(destination: string, value: Buffer, bits: number): void;
}
interface UltimatePackage {
  KNXClient: new (options: object) => UltimateClient;
}

const [folder = '', port, total] = process.argv.slice(2);
const { KNXClient } = createRequire(join(folder, 'package.json'))('knxultimate') as UltimatePackage;
const client = new KNXClient({
  hostProtocol: 'TunnelUDP',
  ipAddr: '127.0.0.1',
  ipPort: Number(port),
  loglevel: 'error',
});
client.on('error', (error) => console.error(error));
client.on('connected', () => {
  for (let number = 0; number < Number(total); number += 1) {
    client.writeRaw('0/7/208', Buffer.of(number >> 8, number & 255), 16);
  }
});
client.Connect();
