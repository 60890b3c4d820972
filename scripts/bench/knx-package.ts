/** `node knx-package.ts PORT TOTAL`: the same burst through the npm package `knx` 2.5.4, beside which ours is measured. */
import { createRequire } from 'node:module';

interface KnxConnection {
  writeRaw(destination: string, value: Buffer, bits: number): void;
}
interface KnxPackage {
  Connection: (options: object) => KnxConnection;
}

const [port, total] = process.argv.slice(2).map(Number);
const { Connection } = createRequire(import.meta.url)('knx') as KnxPackage;
const connection = Connection({
  ipAddr: '127.0.0.1',
  ipPort: port,
  loglevel: 'error',
  forceTunneling: true,
  handlers: {
    connected() {
      for (let number = 0; number < (total ?? 0); number += 1) {
        connection.writeRaw('0/7/208', Buffer.of(number >> 8, number & 255), 16);
      }
    },
  },
});
