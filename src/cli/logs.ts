/** `gate logs`: the last lines of the gateway or of one add-on, and with `--follow` those that come. */
import type { Command } from 'commander';
import type { GatewayClient } from './gateway-client.ts';
import { DEVICES, listDevices } from './named-device.ts';
import type { Terminal } from './terminal.ts';

interface LogLine {
  timestamp: number;
  type: 'LOG' | 'ERR';
  message: string;
}

/** Lines are told of at the latest so long after they were written; twice that, to be sure. */
const GATHERED_MS = 10_000;

export function addLogsCommand(
  program: Command,
  { client, terminal }: { client: () => GatewayClient; terminal: Terminal },
): void {
  program
    .command('logs')
    .description('the last lines of the gateway, or of one add-on')
    .argument('[program]', 'gate, or the slug of a protocol', 'gate')
    .option('-f, --follow', 'go on with those that come, until Ctrl-C')
    .action(async (program: string, { follow }: { follow?: true }) => {
      const gateway = client();
      const own = (await listDevices(gateway)).find(({ isGateway }) => isGateway);
      const { signal } = terminal;
      // heard from first: no line falls between the two
      const events = follow && (await gateway.events({ kinds: 'log', signal }));
      const path = `${DEVICES}/${own?.id}/${encodeURIComponent(program)}/logs`;
      const lines = await gateway.get<LogLine[]>(path);
      const until = Date.now() + GATHERED_MS;
      for (const line of lines) terminal.print(shown(line, terminal.json()));
      if (!events) return;
      // what was gathered while they were read comes again as an event
      const seen = new Set(lines.map((line) => shown(line, true)));
      for await (const { payload } of events) {
        if (payload['containerName'] !== program) continue;
        for (const line of payload['logs'] as unknown as LogLine[])
          if (!seen.has(shown(line, true))) terminal.print(shown(line, terminal.json()));
        if (seen.size > 0 && Date.now() > until) seen.clear();
      }
    });
}

function shown({ timestamp, type, message }: LogLine, json: boolean): string {
  if (json) return JSON.stringify({ timestamp, type, message });
  const time = new Date(timestamp).toISOString();
  // lines of gate's own begin with it already
  const words = message.startsWith(`${time} `) ? message.slice(time.length + 1) : message;
  return `${time} ${type} ${words}`;
}
