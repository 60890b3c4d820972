/** `gate devices`: the devices, and how each does. */
import type { Command } from 'commander';
import type { GatewayClient } from './gateway-client.ts';
import { type ListedDevice, listDevices } from './named-device.ts';
import { needsPairing } from './status.ts';
import { show, span, type Terminal, table } from './terminal.ts';

export function addDevicesCommand(
  program: Command,
  { client, terminal }: { client: () => GatewayClient; terminal: Terminal },
): void {
  program
    .command('devices')
    .description('the devices, and how each does')
    .action(async () => {
      const devices = (await listDevices(client())).filter(({ isGateway }) => !isGateway);
      show(terminal, devices, () =>
        devices.length === 0
          ? 'there are no devices yet: "gate pair --type <type> --name <name>" makes and pairs one'
          : table(
              ['ID', 'NAME', 'STATE', 'SINCE', 'WHY'],
              devices.map((device) => [device.id, device.name, ...stateOf(device)]),
            ),
      );
    });
}

function stateOf(device: ListedDevice): [state: string, since: string, why: string] {
  const { status, availability, isVirtual } = device;
  const age = (since: number) => span(Date.now() - since);
  if (needsPairing(device)) {
    return [status.eventType.replace('_', ' '), age(status.timestamp), status.reason?.message ?? ''];
  }
  if (!availability) return [isVirtual ? 'virtual' : 'paired', age(status.timestamp), ''];
  const { online, since, reason = '' } = availability;
  return [online ? 'online' : 'offline', age(since), reason];
}
