/** Whether the stick can take another device. Only Z-Stack lets its tables be read. */
import type { Controller } from 'zigbee-herdsman';

interface Table {
  capacity: number;
  usedCount: number;
}
interface ZStackBackup {
  getAdapterVersion(): Promise<number>;
  getAddressManagerTable(version: number): Promise<Table | undefined>;
}

/** The address manager has an entry for each device that the stick knows; when it is full, joins are refused silently. */
export async function hasRoom(controller: Controller): Promise<boolean> {
  const { adapter } = controller as unknown as { adapter: { adapterManager?: { backup?: ZStackBackup } } };
  const backup = adapter.adapterManager?.backup;
  if (!backup?.getAddressManagerTable) return true;
  const table = await backup.getAddressManagerTable(await backup.getAdapterVersion());
  return !table || table.usedCount < table.capacity;
}
