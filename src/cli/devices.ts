/** `gate devices`: the devices, and how each does. */
import type { Command } from 'commander';
import { type Cell, table } from './columns.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type ListedDevice, listDevices } from './named-device.ts';
import { needsPairing } from './status.ts';
import { show, span, type Terminal, type Tone } from './terminal.ts';

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
              terminal,
              ['ID', 'NAME', 'STATE', 'SINCE', 'WHY'],
              devices.map((device) => [device.id, device.name, ...stateOf(device)]),
            ),
      );
    });
}

function stateOf(device: ListedDevice): [state: Cell, since: string, why: string] {
  const { status, availability, isVirtual } = device;
  const age = (since: number) => span(Date.now() - since);
  if (needsPairing(device)) {
    const tone: Tone = status.eventType === 'not_paired' ? 'bad' : 'middling';
    const state = { text: status.eventType.replace('_', ' '), tone };
    return [state, age(status.timestamp), status.reason?.message ?? ''];
  }
  if (!availability) return [isVirtual ? 'virtual' : 'paired', age(status.timestamp), ''];
  const { online, since, reason = '' } = availability;
  return [online ? { text: 'online', tone: 'good' } : { text: 'offline', tone: 'bad' }, age(since), reason];
}
