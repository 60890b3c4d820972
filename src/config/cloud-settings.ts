/** How the cloud is reached, out of the settings and of what lies in the credentials folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GivenSettings, Settings } from './settings.ts';

/** Names of the files in `CONFIG_FOLDER`, as the cloud hands them out. */
export const CERTIFICATE_FILE = 'certificate.pem';

export interface CloudSettings {
  host: string;
  port: number;
  /** Prefix of topics and client id: `NODE_ENV` outside production, else nothing. */
  environment: string;
  /** With certificate, key and authorities. */
  credentialsFolder: string;
  /** Whether readings are relayed; commands are served either way. */
  relays: boolean;
  publishesPerSecond: number;
  unacknowledgedMax: number;
  keepAliveSeconds: number;
  retryMaxMs: number;
}

/** A gateway without an endpoint, or without a certificate to prove itself with there, has no cloud. */
export function isStandalone({
  HOST,
  CONFIG_FOLDER,
}: Pick<GivenSettings, 'HOST' | 'CONFIG_FOLDER'>): boolean {
  return HOST === undefined || !existsSync(join(CONFIG_FOLDER, CERTIFICATE_FILE));
}

/** Undefined for a gateway that stands alone. */
export function cloudSettings(settings: Settings): CloudSettings | undefined {
  const { HOST: host, NODE_ENV } = settings;
  if (host === undefined || isStandalone(settings)) return undefined;
  return {
    host,
    port: settings.CLOUD_PORT,
    environment: NODE_ENV === 'production' ? '' : `${NODE_ENV}-`,
    credentialsFolder: settings.CONFIG_FOLDER,
    relays: settings.CLOUD_ENABLED,
    publishesPerSecond: settings.CLOUD_PUBLISHES_PER_SECOND,
    unacknowledgedMax: settings.CLOUD_UNACKNOWLEDGED_MAX,
    keepAliveSeconds: settings.CLOUD_KEEP_ALIVE_SECONDS,
    retryMaxMs: settings.CLOUD_RETRY_MAX_SECONDS * 1_000,
  };
}
