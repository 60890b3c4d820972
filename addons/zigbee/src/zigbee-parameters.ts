/** The protocol's parameters, as the manifest's schema has checked them. */
import type { JsonObject } from '@gate/addon-sdk';
import type { AvailabilitySettings } from './devices/availability.ts';
import type { RadioSettings } from './network/radio-settings.ts';

export interface ZigbeeParameters {
  /** Undefined while no port is named: then there is nothing to work with but a scan for one. */
  radio: RadioSettings | undefined;
  availability: AvailabilitySettings;
  interviewMs: number;
}

export function parseParameters(parameters: JsonObject): ZigbeeParameters {
  const number = (name: string, otherwise: number) => {
    const value = parameters[name];
    return typeof value === 'number' ? value : otherwise;
  };
  const optional = (name: string) => {
    const value = parameters[name];
    return typeof value === 'number' ? { [name]: value } : {};
  };
  const { port, adapter } = parameters;
  return {
    radio:
      typeof port === 'string'
        ? {
            port,
            adapter: adapter === 'ember' ? 'ember' : 'zstack',
            channel: number('channel', 15),
            rtscts: parameters['rtscts'] === true,
            ...optional('baudRate'),
            ...optional('transmitPower'),
          }
        : undefined,
    availability: {
      pingMs: number('pingSeconds', 600) * 1000,
      silentMs: number('silentHours', 25) * 3_600_000,
    },
    interviewMs: number('interviewSeconds', 120) * 1000,
  };
}
