/** `gate doctor`: checks the whole box, and says what to do about what is wrong. */
import type { Command } from 'commander';
import { GatewayError } from '../model/error.ts';
import { type AccessSettings, accessFindings } from './access-check.ts';
import { boxFindings } from './box-check.ts';
import { hanging } from './columns.ts';
import type { Box, Finding } from './finding.ts';
import type { GatewayClient } from './gateway-client.ts';
import { listDevices } from './named-device.ts';
import { type Health, needsPairing } from './status.ts';
import { show, type Terminal } from './terminal.ts';

const MARKS = { ok: 'ok      ', warning: 'warning ', problem: 'PROBLEM ' } as const;
const TONES = { ok: 'good', warning: 'middling', problem: 'bad' } as const;
const NEXT = '        next: ';

interface DoctorParts {
  client: () => GatewayClient;
  box: () => Box;
  settings: () => AccessSettings;
  /** Undefined where gate was not installed by install.sh. */
  installFolder: () => string | undefined;
  terminal: Terminal;
  fail: () => void;
}

export function addDoctorCommand(program: Command, parts: DoctorParts): void {
  const { client, box, settings, installFolder, terminal, fail } = parts;
  program
    .command('doctor')
    .description('check the whole box, and say what to do')
    .action(async () => {
      const gateway = client();
      const findings = [
        ...(gateway.local ? await boxFindings(box()) : []),
        ...(gateway.local ? accessFindings(settings()) : []),
        ...(gateway.local ? await installed(installFolder(), box()) : []),
        ...(await gatewayFindings(gateway)),
      ];
      show(terminal, findings, () => findings.map((finding) => textOf(finding, terminal)).join('\n'));
      if (findings.some(({ state }) => state === 'problem')) fail();
    });
}

function textOf({ state, what, next }: Finding, terminal: Terminal): string {
  const mark = MARKS[state];
  const found = hanging(terminal, mark, what).replace(mark, terminal.paint(mark, TONES[state]));
  return next === undefined ? found : `${found}\n${hanging(terminal, NEXT, next)}`;
}

async function installed(folder: string | undefined, { dataFolder }: Box): Promise<Finding[]> {
  if (folder === undefined) return [];
  const { installFindings } = await import('./install-check.ts');
  return installFindings(folder, dataFolder);
}

async function gatewayFindings(gateway: GatewayClient): Promise<Finding[]> {
  try {
    const { status, parts = {} } = (await gateway.look('/health/ready')).body as unknown as Health;
    const answers: Finding = { state: 'ok', what: `gate answers on ${gateway.where}: ${status}` };
    return [answers, ...partFindings(parts), ...(await deviceFindings(gateway))];
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return [{ state: 'problem', what: error.message, next: error.hint }];
  }
}

function partFindings(parts: NonNullable<Health['parts']>): Finding[] {
  return Object.entries(parts).map(([name, { state, reason }]) => {
    const what = `${name} is ${state}${reason === undefined ? '' : `: ${reason}`}`;
    if (state === 'running' || state === 'stopped') return { state: 'ok', what };
    const addon = name.startsWith('addon:') ? name.slice('addon:'.length) : 'gate';
    return {
      state: state === 'failed' ? 'problem' : 'warning',
      what,
      next: `"gate logs ${addon}" has what it wrote`,
    };
  });
}

async function deviceFindings(gateway: GatewayClient): Promise<Finding[]> {
  const devices = await listDevices(gateway);
  const findings: Finding[] = [];
  for (const device of devices) {
    const { name, status, availability } = device;
    if (needsPairing(device)) {
      const { message, hint } = status.reason ?? {};
      const why = message === undefined ? '' : `: ${message}`;
      const next = hint ?? `"gate pair ${device.id}" pairs it`;
      findings.push({ state: 'warning', what: `device ${name} is not paired${why}`, next });
    } else if (availability?.online === false) {
      const { reason = 'it does not answer' } = availability;
      const next = 'is it powered, and in reach?';
      findings.push({ state: 'warning', what: `device ${name} cannot be reached: ${reason}`, next });
    }
  }
  if (findings.length > 0) return findings;
  return [{ state: 'ok', what: `${devices.length - 1} devices, none in trouble` }];
}
