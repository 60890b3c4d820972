/** The certificate of the API's port: one that the box makes for itself, or files that it was given. */
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { type CertificateSource, ServerCertificate } from '../api/certificates/server-certificate.ts';
import type { TlsSettings } from '../config/tls-settings.ts';
import type { Ground } from './ground.ts';

type WithTls = Exclude<TlsSettings, { kind: 'off' }>;

/** @throws GatewayError badSetting */
export async function startCertificate(ground: Ground, tls: WithTls): Promise<ServerCertificate> {
  const { running, health, events, logger, now } = ground;
  const source = await sourceOf(ground, tls);
  const certificate = new ServerCertificate({ source, health, events, logger, now });
  await running.run(certificate);
  return certificate;
}

async function sourceOf(
  { dataFolder, settings, logger, now }: Ground,
  tls: WithTls,
): Promise<CertificateSource> {
  if (tls.kind === 'given') {
    const { GivenCertificate } = await import('../api/certificates/given-certificate.ts');
    return new GivenCertificate(tls);
  }
  const { OwnCertificate } = await import('../api/certificates/own-certificate.ts');
  const { serverNames } = await import('../api/certificates/server-names.ts');
  const names = serverNames({
    hostname: hostname(),
    allowedHosts: settings.ALLOWED_HOSTS,
    interfaces: networkInterfaces(),
  });
  return new OwnCertificate({ folder: join(dataFolder, 'tls'), names, logger, now });
}
