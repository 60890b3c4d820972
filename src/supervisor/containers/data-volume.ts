/** The volume with an add-on's data. One of its name that is another's is never used, and never deleted. */
import { GatewayError } from '../../model/error.ts';
import { LABELS, ownLabels, volumeName } from './container-descriptor.ts';
import type { Engine } from './engine.ts';

/** Whether it is there. @throws GatewayError addonUnavailable: it is another's */
export async function ownVolume(engine: Engine, gatewayId: string, slug: string): Promise<boolean> {
  const name = volumeName(gatewayId, slug);
  const labels = await engine.volume(name);
  if (!labels) return false;
  if (labels[LABELS.gateway] === gatewayId) return true;
  throw new GatewayError('addonUnavailable', `there is a volume ${name} already, and it is not gate's`, {
    reasonCode: 'nameTaken',
    hint: `look what it holds, then remove it: docker volume inspect ${name}`,
  });
}

/** Makes it where it is not there. @throws as `ownVolume` */
export async function ensureVolume(engine: Engine, gatewayId: string, slug: string): Promise<void> {
  if (await ownVolume(engine, gatewayId, slug)) return;
  await engine.createVolume(volumeName(gatewayId, slug), ownLabels(gatewayId, slug));
}
