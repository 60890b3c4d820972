/** `gate watch`: readings, answers and availability as they come, until Ctrl-C. */
import type { Command } from 'commander';
import type { GatewayEvent } from './event-stream.ts';
import type { GatewayClient } from './gateway-client.ts';
import { listDevices, namedDevice } from './named-device.ts';
import type { Terminal } from './terminal.ts';

export function addWatchCommand(
  program: Command,
  { client, terminal }: { client: () => GatewayClient; terminal: Terminal },
): void {
  program
    .command('watch')
    .description('readings, answers and availability as they come, until Ctrl-C')
    .argument('[devices...]', 'ids or names; all where none is named')
    .action(async (named: string[]) => {
      const gateway = client();
      const devices = named.length === 0 ? undefined : await allNamed(gateway, named);
      const names = new Map((await listDevices(gateway)).map(({ id, name }) => [id, name]));
      const { signal } = terminal;
      const events = await gateway.events({ kinds: 'data,status,availability', devices, signal });
      for await (const event of events)
        terminal.print(terminal.json() ? JSON.stringify(event) : lineOf(event, names));
    });
}

async function allNamed(gateway: GatewayClient, named: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const name of named) ids.push((await namedDevice(gateway, name)).id);
  return ids;
}

function lineOf({ action, payload }: GatewayEvent, names: ReadonlyMap<string, string>): string {
  const { deviceId, ts, data, response, online, reason } = payload;
  const time = new Date((ts as string | number | undefined) ?? Date.now()).toTimeString().slice(0, 8);
  const name = names.get(String(deviceId)) ?? String(deviceId);
  if (action === 'availability')
    return `${time}  ${name}  ${online ? 'online' : `offline${reason === undefined ? '' : `: ${reason}`}`}`;
  return `${time}  ${name}  ${action === 'status' ? 'answers ' : ''}${JSON.stringify(data ?? response)}`;
}
