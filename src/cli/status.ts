/** `gate status`: what is up, what is degraded and why, at a glance. */
import type { Command } from 'commander';
import type { GatewayClient } from './gateway-client.ts';
import { type ListedDevice, listDevices } from './named-device.ts';
import { listProtocols, protocolLine } from './protocol-list.ts';
import { show, span, type Terminal } from './terminal.ts';

export interface Health {
  status: 'ready' | 'degraded' | 'notReady';
  parts?: Record<string, { state: string; reason?: string; since: number }>;
}

const WORDS = { ready: 'ready', degraded: 'working, with trouble', notReady: 'not ready' } as const;

export function addStatusCommand(
  program: Command,
  { client, terminal, fail }: { client: () => GatewayClient; terminal: Terminal; fail: () => void },
): void {
  program
    .command('status')
    .description('what is up, and what is not and why')
    .action(async () => {
      const gateway = client();
      // 503 while it is not ready: an answer like any other here
      const health = (await gateway.look('/health/ready')).body as unknown as Health;
      const [devices, protocols] = [await listDevices(gateway), await listProtocols(gateway)];
      show(terminal, { ...health, devices: counts(devices), protocols }, () =>
        [
          `gate is ${WORDS[health.status]}`,
          '',
          ...partLines(health),
          '',
          deviceLine(counts(devices)),
          ...protocols.filter(({ status }) => status !== 'notInstalled').map(protocolLine),
        ].join('\n'),
      );
      if (health.status === 'notReady') fail();
    });
}

function partLines({ parts = {} }: Health): string[] {
  const width = Math.max(...Object.keys(parts).map(({ length }) => length));
  return Object.entries(parts).map(([name, { state, reason, since }]) => {
    const why = reason === undefined ? '' : `: ${reason}`;
    const age = state === 'running' ? '' : ` (for ${span(Date.now() - since)})`;
    return `  ${name.padEnd(width)}  ${state}${why}${age}`;
  });
}

interface Counts {
  all: number;
  unreachable: number;
  notPaired: number;
}

function counts(listed: readonly ListedDevice[]): Counts {
  const devices = listed.filter(({ isGateway }) => !isGateway);
  return {
    all: devices.length,
    unreachable: devices.filter(({ availability }) => availability?.online === false).length,
    notPaired: devices.filter(needsPairing).length,
  };
}

export function needsPairing({ isGateway, isVirtual, status }: ListedDevice): boolean {
  return !isGateway && !isVirtual && status.eventType !== 'paired';
}

function deviceLine({ all, unreachable, notPaired }: Counts): string {
  const troubles = [
    ...(unreachable > 0 ? [`${unreachable} of them cannot be reached`] : []),
    ...(notPaired > 0 ? [`${notPaired} not paired`] : []),
  ];
  return `${all} ${all === 1 ? 'device' : 'devices'}${troubles.length === 0 ? '' : `: ${troubles.join(', ')}`}`;
}
