/**
 * Reads the settings once, at the start: environment over `.env` over defaults. A value that does not parse stops the
 * start with one line: the variable, what it holds, what it may hold.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import * as v from 'valibot';
import { GatewayError } from '../model/error.ts';
import { isStandalone } from './cloud-settings.ts';
import { type GivenSettings, type Settings, VARIABLES } from './settings.ts';

/** @throws GatewayError badSetting */
export function loadSettings(environment: Record<string, string | undefined>): Settings {
  const folder = environment['CONFIG_FOLDER'] || VARIABLES.CONFIG_FOLDER.default;
  const file = readDotEnv(join(String(folder), '.env'));
  const settings: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(VARIABLES)) {
    // a variable that is set to nothing is not set
    const text = environment[name] || file[name] || ('default' in variable ? variable.default : undefined);
    settings[name] = parse(name, text, variable.schema);
  }
  const given = settings as GivenSettings;
  return {
    ...given,
    ON_PREMISE_ENABLED: given.ON_PREMISE_ENABLED ?? isStandalone(given),
    CLOUD_ENABLED: given.CLOUD_ENABLED ?? true,
  };
}

function parse(
  name: string,
  text: string | undefined,
  schema: v.GenericSchema<string | undefined, unknown>,
): unknown {
  if (text === undefined) return undefined;
  const result = v.safeParse(schema, text);
  if (result.success) return result.output;
  throw new GatewayError('badSetting', `${name} is "${text}", but ${result.issues[0].message}`, {
    hint: `correct ${name} in config/.env, or where gate gets its environment from`,
  });
}

function readDotEnv(path: string): Record<string, string | undefined> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new GatewayError('badSetting', `${path} cannot be read: ${(error as Error).message}`, {
      hint: 'it must be a file that the user who runs gate may read; without one the environment alone counts',
      cause: error,
    });
  }
  return parseEnv(text);
}
