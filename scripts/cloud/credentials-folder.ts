/** A gateway's credentials folder, as the cloud hands it out. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Authority, Pair } from './authority.ts';

export interface GatewayPlace {
  projectId: string;
  gatewayId: string;
  host: string;
  port: number;
  /** `NODE_ENV`; production where nothing is said. */
  environment?: string;
}

/** The client id, which is the common name of the certificate too. */
export function clientIdOf({ gatewayId, environment = 'production' }: GatewayPlace): string {
  return environment === 'production' ? gatewayId : `${environment}-${gatewayId}`;
}

/** Writes `.env`, `certificate.pem`, `private.key` and `awsRootCA1.pem`; `pair` where it shall be another. */
export function writeCredentials(
  folder: string,
  place: GatewayPlace,
  authority: Authority,
  pair: Pair = authority.issue({ commonName: clientIdOf(place) }),
): Pair {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lines = [
    `HOST=${place.host}`,
    `CLOUD_PORT=${place.port}`,
    `PROJECT_ID=${place.projectId}`,
    `PARENT_DEVICE_ID=${place.gatewayId}`,
    ...(place.environment === undefined ? [] : [`NODE_ENV=${place.environment}`]),
  ];
  writeFileSync(join(folder, '.env'), `${lines.join('\n')}\n`);
  writeFileSync(join(folder, 'certificate.pem'), pair.certificate);
  writeFileSync(join(folder, 'private.key'), pair.key, { mode: 0o600 });
  writeFileSync(join(folder, 'awsRootCA1.pem'), authority.certificate);
  return pair;
}
