/** What an add-on is asked to do for its protocol as a whole: its actions, and a look around for devices. */
import type { ProtocolActions } from '../../core/protocol-actions.ts';
import type { Scans } from '../../core/scans.ts';
import { GatewayError } from '../../model/error.ts';
import { isJsonObject } from '../../model/json.ts';
import type { Access } from '../access.ts';
import { readJson } from '../body.ts';
import { CONTROL } from './control.ts';
import { PROTOCOL } from './protocols.ts';
import { type ApiRouter, guarded } from './router.ts';

export interface ProtocolActionParts {
  actions: ProtocolActions;
  scans: Scans;
  access: Access;
}

export function addProtocolActionRoutes(
  router: ApiRouter,
  { actions, scans, access }: ProtocolActionParts,
): void {
  router.post(`${PROTOCOL}/actions/:action`, guarded(access, 'control'), async (context) => {
    const { protocolId, action } = context.params as { protocolId: string; action: string };
    if (actions.find(protocolId, action).scope === 'admin') access.demand(context.state.caller, 'administer');
    const body = (await readJson(context.req)) ?? {};
    if (!isJsonObject(body)) {
      throw new GatewayError('badRequest', `the body must be a JSON object: the parameters of ${action}`, {
        errors: [{ field: '', message: 'must be an object' }],
      });
    }
    const { id } = await actions.begin(protocolId, action, body);
    context.status = 202;
    context.set('Location', `${CONTROL}/${id}/fetch`);
    context.body = {};
  });

  router.post(`${PROTOCOL}/scan`, guarded(access, 'administer'), async (context) => {
    context.body = await scans.scan(context.params['protocolId'] as string);
  });
}
