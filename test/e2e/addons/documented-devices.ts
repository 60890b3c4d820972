/**
 * An add-on whose devices do what the published documents print: a lamp that is toggled and asked for its status, and
 * a sensor whose readings are those of the history's examples, in the same minutes of the day ten days ago.
 */
import { createAddon } from '@gate/addon-sdk';

const lamp = {
  state: 'OFF',
  brightness: 254,
  color: { x: 0.3068, y: 0.4143 },
  linkquality: 110,
  color_temp: 155,
};
const TEMPERATURES = ['24.10', '23.12', '22.12'];
const PRESSURES = ['1053', '1033', '1013'];
const DAY_MS = 86_400_000;
const FIRST_MINUTE_MS = (13 * 60 + 41) * 60_000 + 33_306;
const firstMs = (Math.floor(Date.now() / DAY_MS) - 10) * DAY_MS + FIRST_MINUTE_MS;

const addon = createAddon({
  version: '1.0.0',
  handlers: {
    pair({ deviceId }) {
      TEMPERATURES.forEach((temperature, minute) => {
        const ts = firstMs + minute * 60_000;
        addon.report(deviceId, { temperature, pressure: PRESSURES[minute] as string }, { ts });
      });
      return {};
    },
    set({ params }) {
      if (params['state'] === 'TOGGLE') lamp.state = lamp.state === 'ON' ? 'OFF' : 'ON';
      console.log(`the lamp is ${lamp.state}`);
      return null;
    },
    get: () => lamp,
  },
});

await addon.run();
