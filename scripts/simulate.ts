/**
 * `npm run simulate`: the simulated devices alone, to pair them with a gateway that runs elsewhere on this machine.
 */
import { ShellyPlugS } from '../test/simulators/shelly-plug-s.ts';

const plug = new ShellyPlugS();
const port = await plug.start(Number(process.env['SIMULATED_PLUG_PORT'] ?? 0));
console.log(
  `Shelly Plug S   http://127.0.0.1:${port}/status   (parameters: hostname 127.0.0.1, port ${port})`,
);
console.log('Ctrl-C ends it.');

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await plug.stop();
    process.exit(0);
  });
}
