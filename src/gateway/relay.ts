/** The relay of readings to the cloud, on the store that numbers them. */
import { Relay } from '../cloud/relay/relay.ts';
import { AWS_LIMITS } from '../cloud/relay/relay-limits.ts';
import type { Ground } from './ground.ts';
import type { House } from './house.ts';

export interface RelayTopics {
  /** `[<NODE_ENV>-]data/<PROJECT_ID>/<clientId>`: where lists go. */
  list: string;
  /** Where a device's live readings go, where that is not below `list`. */
  ofDevice: (deviceId: string) => string | undefined;
}

/** To be handed to the link, which tells it of each connection. */
export async function startRelay(
  { settings, events, logger, running, monotonicNow }: Ground,
  { store, figures }: Pick<House, 'store' | 'figures'>,
  topics: RelayTopics,
): Promise<Relay> {
  const relay = new Relay({
    store,
    limits: { ...AWS_LIMITS, backlogBytesPerSecond: settings.CLOUD_BACKLOG_KIB_PER_SECOND * 1_024 },
    listTopic: topics.list,
    topicOf: (deviceId) => topics.ofDevice(deviceId) ?? `${topics.list}/${deviceId}`,
    onRelayed: ({ flow, readings }) => figures.relayed.add(flow, readings),
    onTrouble: (error) =>
      logger.warn({ err: error }, 'readings were not taken by the cloud; they are sent again'),
    monotonicNow,
  });
  running.onStop(events.on('readingsRecorded', () => relay.readingsStored()));
  // what had to wait for the right time
  running.onStop(events.on('readingsRedated', () => relay.readingsStored()));
  await running.run(relay);
  return relay;
}
