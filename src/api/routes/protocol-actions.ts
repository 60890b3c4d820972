/** What an add-on is asked to do for its protocol as a whole: its actions, and a look around for devices. */
import * as v from 'valibot';
import type { Scans } from '../../core/devices/scans.ts';
import type { ProtocolActions } from '../../core/protocols/protocol-actions.ts';
import { jsonObjectSchema } from '../../model/device.ts';
import type { Access } from '../access.ts';
import { nothingSchema, text } from '../schemas.ts';
import { FETCH } from './control.ts';
import { PROTOCOL } from './protocols.ts';
import { pathTo, type Routes } from './router.ts';

const section = 'Protocols';

const actionParameters = v.optional(
  v.pipe(jsonObjectSchema, v.description('As the manifest of the add-on has them for this action')),
  {},
);
export const candidateSchema = v.object({
  label: text('For people'),
  type: v.optional(text('Id of its device type, where the add-on can tell')),
  parameters: v.pipe(jsonObjectSchema, v.description('What it is created with')),
  deviceId: v.optional(text('Where it is one of the gateway’s already')),
});

export interface ProtocolActionParts {
  actions: ProtocolActions;
  scans: Scans;
  access: Access;
}

export function addProtocolActionRoutes(
  routes: Routes,
  { actions, scans, access }: ProtocolActionParts,
): void {
  routes.add({
    method: 'POST',
    path: `${PROTOCOL}/actions/:action`,
    name: 'beginAction',
    section,
    summary: 'Have an add-on do one of its actions',
    description:
      'The actions and their parameters are in `actions` of the protocol. Some need the scope `admin`. What comes of it is fetched from where `Location` says.',
    right: 'control',
    body: actionParameters,
    bodyName: 'parameters',
    answers: { 202: { says: 'Begun', json: nothingSchema, headers: ['Location'] } },
    errors: ['notFound', 'conflict'],
    handle: async ({ path: { protocolId, action }, body, context }) => {
      if (actions.find(protocolId, action).scope === 'admin')
        access.demand(context.state.caller, 'administer');
      const { id } = await actions.begin(protocolId, action, body);
      context.set('Location', pathTo(FETCH, { requestId: id }));
      return {};
    },
  });

  routes.add({
    method: 'POST',
    path: `${PROTOCOL}/scan`,
    name: 'scanForDevices',
    section,
    summary: 'Look for devices',
    description: 'The add-on looks around for up to 10 s.',
    right: 'administer',
    answers: { 200: { says: 'What it has found', json: v.array(candidateSchema) } },
    errors: ['notFound', 'conflict', 'addonUnavailable', 'deviceTimeout', 'deviceRefused'],
    handle: ({ path }) => scans.scan(path.protocolId),
  });
}
