/** A real store in a folder of its own, with one device of a test add-on. */
import type { Device } from '../../src/model/device.ts';
import type { GatewayError } from '../../src/model/error.ts';
import type { StoredReading } from '../../src/model/reading.ts';
import { Store, type StoreSettings } from '../../src/store/store.ts';

export const TEST_ADDON = 'test';

export function testDevice(id: string): Device {
  return {
    id,
    projectId: 'project',
    ts: 0,
    name: id,
    isGateway: false,
    isVirtual: false,
    demoActive: false,
    parentDevice: 'gateway',
    protocol: TEST_ADDON,
    parameters: {},
    status: { eventType: 'paired', timestamp: 0 },
  };
}

export interface OpenedStore {
  store: Store;
  commits: (readonly StoredReading[])[];
  dropped: { count: number; reason: string }[];
  faults: GatewayError[];
}

export async function openStore(
  folder: string,
  settings: Partial<StoreSettings> = {},
  now: () => number = Date.now,
): Promise<OpenedStore> {
  const commits: OpenedStore['commits'] = [];
  const dropped: OpenedStore['dropped'] = [];
  const faults: GatewayError[] = [];
  const store = new Store({
    settings: { folder, commitWindowMs: 5, retentionDays: 30, retentionBytes: 1e9, ...settings },
    onCommit: (readings) => commits.push(readings),
    onTrouble: () => undefined,
    onDropped: (fact) => dropped.push(fact),
    onFault: (error) => faults.push(error),
    now,
    monotonicNow: () => performance.now(),
  });
  await store.start();
  return { store, commits, dropped, faults };
}
