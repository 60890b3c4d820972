/** The KNX add-on: devices on a KNX bus, through a KNXnet/IP server. */
import { join } from 'node:path';
import { createAddon, systemClock } from '@gate/addon-sdk';
import { KnxAddon } from './knx-addon.ts';
import { TunnelNote } from './link/tunnel-note.ts';

const folder = process.env['GATE_DATA_FOLDER'] ?? '.';
const knx = new KnxAddon({
  gate: {
    report: (...reading) => addon.report(...reading),
    availability: (...said) => addon.availability(...said),
    event: (event) => addon.event(event),
    state: (...said) => addon.state(...said),
    log: { info: (...line) => addon.log.info(...line), error: (...line) => addon.log.error(...line) },
  },
  clock: systemClock,
  random: Math.random,
  uploadsFolder: join(folder, 'uploads'),
  tunnelNote: new TunnelNote(join(folder, 'tunnel.json')),
});
const addon = createAddon({ version: '0.1.0', handlers: knx.handlers, actions: knx.actions });

await addon.run();
