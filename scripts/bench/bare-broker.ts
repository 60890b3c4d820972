/**
 * aedes and nothing around it: takes QoS 1 and acknowledges at once. Forked; says its port, then answers a message
 * `{topic, payload}` by publishing it retained: so the reporting add-on gets its config.
 */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const aedes = new Aedes();
await aedes.listen();
const server = createServer({ noDelay: true }, (socket) => aedes.handle(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address?.port });
});

process.on('message', ({ topic, payload }: { topic: string; payload: string }) => {
  aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: true, dup: false }, () =>
    process.send?.({ published: true }),
  );
});
process.on('disconnect', () => process.exit(0));
