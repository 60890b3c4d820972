/** The network as a device: `set` with `{<action>: {its parameters}}` on a device of the bridge type, one at a time. */
import type { JsonObject, JsonValue } from '@gate/addon-sdk';
import { badVerb, type Verbs } from './verb.ts';

/** @throws AddonError badRequest, and what the action says */
export async function bridgeSet(verbs: Verbs, params: JsonObject): Promise<JsonValue> {
  const entries = Object.entries(params);
  const [[name, value] = ['', null]] = entries;
  const verb = verbs[name];
  if (entries.length !== 1 || !verb) {
    const names = Object.keys(verbs).join(', ');
    throw badVerb('name one action and its parameters', `{"createGroup": {}}; there are ${names}`);
  }
  if (value !== null && (typeof value !== 'object' || Array.isArray(value)))
    throw badVerb(`the parameters of "${name}" must be an object`);
  return verb(value ?? {});
}
