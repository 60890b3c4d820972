/** How an add-on logs in at gate: three variables of its environment. */
import { AddonError } from './addon-error.ts';

export interface Login {
  /** The slug: user name and MQTT client id. */
  addon: string;
  token: string;
  broker: { host: string; port: number };
}

/** @throws AddonError badSetting naming the variable */
export function readLogin(env: Readonly<Record<string, string | undefined>>): Login {
  const read = (name: string): string => {
    const value = env[name];
    if (value) return value;
    throw new AddonError('badSetting', `${name} is not set: gate sets it when it starts an add-on`);
  };
  const text = read('GATE_BROKER_URL');
  const url = URL.parse(text);
  if (url?.protocol !== 'mqtt:' || !url.hostname) {
    throw new AddonError('badSetting', `GATE_BROKER_URL is "${text}", it must be mqtt://host:port`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return {
    addon: read('GATE_ADDON'),
    token: read('GATE_ADDON_TOKEN'),
    broker: { host, port: Number(url.port || 1883) },
  };
}
