/** The HTTP add-on: devices that answer HTTP requests with JSON. */
import { createAddon, systemClock } from '@gate/addon-sdk';
import { HttpAddon } from './http-addon.ts';
import { HttpExchange } from './http-exchange.ts';
import { listenByMdns } from './mdns-listener.ts';

const devices = new HttpAddon({
  exchange: new HttpExchange(systemClock),
  gate: {
    report: (...reading) => addon.report(...reading),
    availability: (...said) => addon.availability(...said),
    event: (event) => addon.event(event),
    log: { info: (...line) => addon.log.info(...line), error: (...line) => addon.log.error(...line) },
  },
  listen: listenByMdns,
  clock: systemClock,
  random: Math.random,
});
const addon = createAddon({ version: '0.1.0', handlers: devices.handlers });

await addon.run();
