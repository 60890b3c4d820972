/** A subscriber to everything, a process of its own: says `{connected}` once, then answers how many readings it has. */
import { connect } from 'mqtt';

const QUIET_MS = 10_000;
const POLL_MS = 20;

let received = 0;
let lastMs = performance.now();
const client = connect(String(process.argv[2]), { reconnectPeriod: 0 });
client.on('message', (topic) => {
  if (!topic.endsWith('/data')) return;
  received += 1;
  lastMs = performance.now();
});
client.on('connect', () =>
  client.subscribe('gate/addons/+/devices/+/data', { qos: 1 }, () => process.send?.({ connected: true })),
);
client.on('error', (error) => {
  console.error(`the subscriber of the benchmark: ${error.message}`);
  process.exit(1);
});

/** Waits for so many, as long as they keep coming. */
process.on('message', ({ atLeast }: { atLeast: number }) => {
  const timer = setInterval(() => {
    if (received < atLeast && performance.now() - lastMs < QUIET_MS) return;
    clearInterval(timer);
    process.send?.({ received });
  }, POLL_MS);
});
process.on('disconnect', () => process.exit(0));
