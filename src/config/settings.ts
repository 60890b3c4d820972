/**
 * The settings: one schema gives their type, their check and their documentation (`docs/guides/configuration.md`
 * is made from it). Each comes from the environment or from `.env`; the environment wins.
 */
import * as v from 'valibot';

const truth = v.pipe(
  v.picklist(['true', 'false', '1', '0'], 'must be true, false, 1 or 0'),
  v.transform((text) => text === 'true' || text === '1'),
);

function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,9}$/, message),
    v.transform(Number),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

function oneOf<const T extends readonly string[]>(values: T) {
  return v.picklist(values, `must be one of ${values.join(', ')}`);
}

const list = v.pipe(
  v.string(),
  v.transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  ),
);

const identifier = v.pipe(
  v.string(),
  v.regex(/^[\w-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" and "-"'),
);

const hostName = v.pipe(
  v.string(),
  v.regex(/^[\w.:-]{1,253}$/, 'must be a host name or an IP address, without port'),
);

/** It becomes a part of topics. */
const topicLevel = v.pipe(
  v.string(),
  v.regex(/^[\w.-]{1,32}$/, 'must be 1 to 32 letters, digits, "_", "." and "-"'),
);

/** One variable: its check, its default as text, and what it means. */
interface Variable<S extends v.GenericSchema<string | undefined, unknown>> {
  schema: S;
  default?: string;
  meaning: string;
}

function variable<S extends v.GenericSchema<string | undefined, unknown>>(
  schema: S,
  meaning: string,
  defaultText?: string,
): Variable<S> {
  return { schema, meaning, ...(defaultText === undefined ? {} : { default: defaultText }) };
}

export const VARIABLES = {
  CONFIG_FOLDER: variable(
    v.string(),
    'folder of `.env`, and of the certificate and key for the cloud',
    'config',
  ),
  DATA_FOLDER: variable(
    v.string(),
    'folder of the stores, of add-on data and of the Unix socket; made with mode 0700',
    'data',
  ),
  NODE_ENV: variable(
    topicLevel,
    'anything but `production` marks a gateway under development: its topics and its client id at the cloud begin with it',
    'production',
  ),
  HOST: variable(
    v.optional(hostName),
    "host of the cloud's MQTT endpoint; without it, or without a certificate, the gateway stands alone",
  ),
  CLOUD_PORT: variable(wholeNumber(1, 65_535), 'port of that endpoint', '8883'),
  CLOUD_ENABLED: variable(
    v.optional(truth),
    'relay readings to the cloud; `true` where it is not set. Commands are served either way',
  ),
  CLOUD_PUBLISHES_PER_SECOND: variable(
    wholeNumber(0, 10_000),
    'most messages a second that are sent to the cloud (0: no limit)',
    '90',
  ),
  CLOUD_UNACKNOWLEDGED_MAX: variable(
    wholeNumber(0, 65_535),
    'most messages that are sent to the cloud and not acknowledged yet (0: what the broker takes)',
    '100',
  ),
  CLOUD_KEEP_ALIVE_SECONDS: variable(
    wholeNumber(5, 1_200),
    'a connection to the cloud on which nothing came for so long has ended',
    '60',
  ),
  CLOUD_RETRY_MAX_SECONDS: variable(
    wholeNumber(1, 3_600),
    'longest wait before the cloud is tried again',
    '300',
  ),
  PROJECT_ID: variable(
    v.optional(identifier),
    'project of this gateway; made once and kept where it is not given',
  ),
  PARENT_DEVICE_ID: variable(
    v.optional(identifier),
    'device id of this gateway; made once and kept where it is not given',
  ),
  ON_PREMISE_ENABLED: variable(
    v.optional(truth),
    'serve the API on the LAN; where it is not set: `true` for a gateway that stands alone, else `false`',
  ),
  PORT: variable(
    wholeNumber(0, 65_535),
    'port of REST, socket.io and WebSocket on the LAN (0: any free one)',
    '1234',
  ),
  BIND: variable(v.string(), 'address that this port is on', '0.0.0.0'),
  TLS: variable(
    oneOf(['off', 'self-signed']),
    'whether that port speaks TLS, with a certificate that gate makes for this box; not asked where TLS_CERT is given',
    'off',
  ),
  TLS_CERT: variable(
    v.optional(v.string()),
    'file of the certificate that the port shows, in PEM form, its chain after it; given together with TLS_KEY',
  ),
  TLS_KEY: variable(v.optional(v.string()), 'file of its private key, in PEM form, without a passphrase'),
  ON_PREMISE_ANONYMOUS: variable(
    oneOf(['none', 'read', 'all']),
    'what a caller on the LAN may do without a token',
    'read',
  ),
  TOKEN_LIFETIME_MINUTES: variable(wholeNumber(1, 1_440), 'how long an access token counts', '60'),
  RATE_LIMIT: variable(
    wholeNumber(0, 100_000),
    'REST requests and new sockets a second that one client may make with a token, for long; 20 times as many at once (0: no limit)',
    '100',
  ),
  RATE_LIMIT_ANONYMOUS: variable(
    wholeNumber(0, 100_000),
    'the same for all callers without a token at one address (0: no limit)',
    '20',
  ),
  CORS_ORIGINS: variable(list, 'browser origins allowed, separated by commas', ''),
  ALLOWED_HOSTS: variable(list, 'further host names under which this gateway is called', ''),
  LOCAL_BROKER_PORT: variable(
    wholeNumber(0, 65_535),
    'port of the broker for add-ons, on 127.0.0.1 (0: any free one)',
    '1883',
  ),
  ADDON_RUNTIME: variable(
    oneOf(['auto', 'process', 'container']),
    'what an add-on is installed as: `auto`: a container where an engine answers and its image can be had, else a process',
    'auto',
  ),
  ADDON_IMAGES: variable(
    list,
    'images that may be run as containers, separated by commas; `*` stands for any characters but `/`',
    'instathings/*,nodered/node-red',
  ),
  ADDON_TRIAL_SECONDS: variable(
    wholeNumber(1, 30),
    'how long the new version of a container must have run well before the old one is let go',
    '10',
  ),
  DOCKER_HOST: variable(
    v.optional(v.string()),
    'socket of the container engine, `unix:///…`; where it is not given, Docker’s or Podman’s usual one',
  ),
  COMMIT_WINDOW_MS: variable(
    wholeNumber(0, 1_000),
    'in a steady stream, one commit of readings begins in so many milliseconds',
    '25',
  ),
  RETENTION_DAYS: variable(wholeNumber(1, 3_650), 'readings older than this are deleted', '30'),
  RETENTION_MB: variable(
    wholeNumber(16, 1_000_000),
    'size of the store past which the oldest readings are deleted',
    '1024',
  ),
  BACKUP_FOLDER: variable(
    v.optional(v.string()),
    'folder that encrypted backups are put into, given together with BACKUP_RECIPIENT; none are taken where it is not given',
  ),
  BACKUP_RECIPIENT: variable(
    v.optional(v.pipe(v.string(), v.regex(/^age1[0-9a-z]+$/, 'must be a recipient of age: age1…'))),
    'whom they are encrypted to: `age-keygen` makes such a recipient, and the identity that opens them',
  ),
  BACKUP_EVERY_HOURS: variable(wholeNumber(1, 720), 'how often a backup is taken', '24'),
  BACKUP_KEEP: variable(wholeNumber(1, 1_000), 'how many of them stay', '7'),
  BACKUP_READINGS: variable(truth, 'whether they hold the readings, which are most of a store', 'false'),
  CLOUD_BACKLOG_KIB_PER_SECOND: variable(
    wholeNumber(0, 1_000_000),
    'KiB a second that readings which wait for the cloud are sent with, beside the live ones (0: no limit)',
    '384',
  ),
  UPDATE_URLS: variable(
    list,
    'addresses that updates may be fetched from, as beginnings of a URL, separated by commas; a version is looked for at the first',
    '',
  ),
  INSTALL_FOLDER: variable(
    v.optional(v.string()),
    'folder that install.sh has put the releases in; set by the service, and needed for updates',
  ),
  LOG_LEVEL: variable(
    oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    'least level that is logged',
    'info',
  ),
} as const;

type VariableName = keyof typeof VARIABLES;
/** As they were given, or their defaults. */
export type GivenSettings = { [K in VariableName]: v.InferOutput<(typeof VARIABLES)[K]['schema']> };
/** With what follows from the others. */
export type Settings = Omit<GivenSettings, 'ON_PREMISE_ENABLED' | 'CLOUD_ENABLED'> & {
  ON_PREMISE_ENABLED: boolean;
  CLOUD_ENABLED: boolean;
};
