/** `gate status`: what is up, what is degraded and why, at a glance. */
import type { Command } from 'commander';
import { hanging } from './columns.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type ListedDevice, listDevices } from './named-device.ts';
import { type ListedProtocol, listProtocols } from './protocol-list.ts';
import { show, span, type Terminal, type Tone } from './terminal.ts';

export interface Health {
  status: 'ready' | 'degraded' | 'notReady';
  parts?: Record<string, { state: string; reason?: string; since: number }>;
}

const WORDS = { ready: 'ready', degraded: 'working, with trouble', notReady: 'not ready' } as const;
const TONES = { ready: 'good', degraded: 'middling', notReady: 'bad' } as const;

/** Of what a part of the gateway says it is. */
export function toneOf(state: string): Tone | undefined {
  if (state === 'running' || state === 'installed') return 'good';
  if (state === 'failed') return 'bad';
  return state === 'stopped' || state === 'notInstalled' ? undefined : 'middling';
}

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
          `gate is ${terminal.paint(WORDS[health.status], TONES[health.status])}`,
          '',
          ...partLines(health, terminal),
          '',
          deviceLine(counts(devices)),
          ...protocols
            .filter(({ status }) => status !== 'notInstalled')
            .map((protocol) => protocolLine(protocol, terminal)),
        ].join('\n'),
      );
      if (health.status === 'notReady') fail();
    });
}

function partLines({ parts = {} }: Health, terminal: Terminal): string[] {
  const width = Math.max(...Object.keys(parts).map(({ length }) => length));
  return Object.entries(parts).map(([name, { state, reason, since }]) => {
    const why = reason === undefined ? '' : `: ${reason}`;
    const age = state === 'running' ? '' : ` (for ${span(Date.now() - since)})`;
    const text = `${state}${why}${age}`;
    return hanging(terminal, `  ${name.padEnd(width)}  `, { text, tone: toneOf(state) });
  });
}

function protocolLine({ slug, version, status, state, reason }: ListedProtocol, terminal: Terminal): string {
  const said = status === 'installed' ? state : status;
  const text = `${said}${reason === undefined ? '' : `: ${reason}`}`;
  return hanging(terminal, `protocol ${slug} ${version}: `, { text, tone: toneOf(said) });
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
