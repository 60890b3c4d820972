/** The Zigbee add-on: devices of thousands of models behind a coordinator stick. */
import { createAddon, systemClock } from '@gate/addon-sdk';
import { ZigbeeAddon } from './zigbee-addon.ts';

// keys of the network lie in its files: they are the gateway's alone, whoever writes them
process.umask(0o077);

const zigbee = new ZigbeeAddon({
  gate: {
    report: (...reading) => addon.report(...reading),
    availability: (...said) => addon.availability(...said),
    event: (event) => addon.event(event),
    state: (...state) => addon.state(...state),
    log: { info: (...line) => addon.log.info(...line), error: (...line) => addon.log.error(...line) },
  },
  folder: process.env['GATE_DATA_FOLDER'] ?? process.cwd(),
  clock: systemClock,
  random: Math.random,
});
const addon = createAddon({ version: '0.1.0', handlers: zigbee.handlers, actions: zigbee.actions });

// the libraries start work that nobody awaits: a device that answers nonsense to it must not end the add-on
process.on('unhandledRejection', (error) => addon.log.error('something in the background failed', error));

zigbee.load();
await addon.run();
