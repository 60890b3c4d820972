/**
 * Topics of the add-on contract: built and taken apart in one place. Everything an add-on may touch lies
 * below its base `gate/addons/<slug>`.
 */
export const ADDON_TOPIC_ROOT = 'gate/addons';

export type InboundTopic =
  | { kind: 'state' }
  | { kind: 'data'; deviceId: string }
  | { kind: 'availability'; deviceId: string }
  | { kind: 'result'; requestId: string }
  | { kind: 'event' };

export function addonTopics(slug: string) {
  const base = `${ADDON_TOPIC_ROOT}/${slug}`;
  return {
    base,
    state: `${base}/state`,
    config: `${base}/config`,
    requests: `${base}/requests/+`,
    request: (requestId: string) => `${base}/requests/${requestId}`,
    result: (requestId: string) => `${base}/results/${requestId}`,
    data: (deviceId: string) => `${base}/devices/${deviceId}/data`,
    availability: (deviceId: string) => `${base}/devices/${deviceId}/availability`,
    events: `${base}/events`,
  };
}

/** What an add-on may publish to: the meaning of `topic` below the base of `slug`, or undefined. */
export function parseInboundTopic(slug: string, topic: string): InboundTopic | undefined {
  const base = `${ADDON_TOPIC_ROOT}/${slug}/`;
  if (!topic.startsWith(base)) return undefined;
  const [first, second, third, ...rest] = topic.slice(base.length).split('/');
  if (rest.length > 0) return undefined;
  if (second === undefined) {
    if (first === 'state') return { kind: 'state' };
    return first === 'events' ? { kind: 'event' } : undefined;
  }
  if (second === '') return undefined;
  if (first === 'results') return third === undefined ? { kind: 'result', requestId: second } : undefined;
  if (first !== 'devices') return undefined;
  if (third === 'data') return { kind: 'data', deviceId: second };
  return third === 'availability' ? { kind: 'availability', deviceId: second } : undefined;
}
