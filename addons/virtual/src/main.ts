/** The virtual add-on: devices without hardware, whose readings are generated. */
import { createAddon, systemClock } from '@gate/addon-sdk';
import { VirtualAddon } from './virtual-addon.ts';

const virtual = new VirtualAddon({
  clock: systemClock,
  random: Math.random,
  report: (deviceId, reading) => addon.report(deviceId, reading),
});
const addon = createAddon({ version: '0.1.0', handlers: virtual.handlers });

await addon.run();
