/** `gate clients`: who may call the API. */
import { type Command, InvalidArgumentError } from 'commander';
import { SCOPES, type Scope } from '../model/client.ts';
import type { JsonValue } from '../model/json.ts';
import type { LocalCall } from './local-call.ts';

const CLIENTS = '/authentication/v1/clients';
const DEFAULT_NAME = 'gate clients add';

/** What the commands need of the world. */
export interface ClientsTools {
  call: (call: Omit<LocalCall, 'socketPath'>) => Promise<JsonValue>;
  print: (text: string) => void;
}

interface Added {
  clientId: string;
  clientSecret: string;
  scopes: Scope[];
}
interface Listed {
  clientId: string;
  name: string;
  scopes: Scope[];
  createdAt: number;
  lastUsedAt?: number;
}

export function addClientsCommand(program: Command, { call, print }: ClientsTools): void {
  const clients = program.command('clients').description('who may call the API');

  clients
    .command('add')
    .description('add a client; its secret is shown this once')
    .option('--name <name>', 'what it is, 1 to 64 characters', DEFAULT_NAME)
    .option('--scopes <scopes>', `any of ${SCOPES.join(', ')}, separated by commas`, scopesIn, ['admin'])
    .option('--json', 'print {clientId, clientSecret, scopes}')
    .action(async ({ name, scopes, json }: { name: string; scopes: Scope[]; json?: true }) => {
      const answer = await call({ method: 'POST', path: CLIENTS, body: { name, scopes } });
      const { clientId, clientSecret, scopes: given } = answer as unknown as Added;
      if (json) print(JSON.stringify({ clientId, clientSecret, scopes: given }));
      else
        print(
          `client id      ${clientId}\nclient secret  ${clientSecret}\nscopes         ${given.join(', ')}`,
        );
    });

  clients
    .command('list')
    .description('list the clients')
    .option('--json', 'print them as JSON')
    .action(async ({ json }: { json?: true }) => {
      const listed = (await call({ method: 'GET', path: CLIENTS })) as unknown as Listed[];
      print(json ? JSON.stringify(listed) : table(listed));
    });

  clients
    .command('revoke')
    .description('remove a client: its tokens and sockets end at once')
    .argument('<clientId>')
    .option('--tokens', 'end its tokens and sockets, and let it log in again')
    .option('--json', 'print {}')
    .action(async (clientId: string, { tokens, json }: { tokens?: true; json?: true }) => {
      const path = `${CLIENTS}/${encodeURIComponent(clientId)}${tokens ? '/tokens' : ''}`;
      await call({ method: 'DELETE', path });
      const done = tokens ? `the tokens of ${clientId} are void` : `${clientId} is removed`;
      print(json ? '{}' : done);
    });
}

/** @throws InvalidArgumentError */
function scopesIn(text: string): Scope[] {
  const names = text.split(',').map((name) => name.trim());
  const scopes = SCOPES.filter((scope) => names.includes(scope));
  if (names.every((name) => scopes.some((scope) => scope === name))) return scopes;
  throw new InvalidArgumentError(`It may name ${SCOPES.join(', ')}, separated by commas.`);
}

function table(clients: readonly Listed[]): string {
  const rows = clients.map(({ clientId, name, scopes, createdAt, lastUsedAt }) => [
    clientId,
    name,
    scopes.join(', '),
    day(createdAt),
    lastUsedAt === undefined ? 'never' : day(lastUsedAt),
  ]);
  const head = ['CLIENT ID', 'NAME', 'SCOPES', 'ADDED', 'LAST LOG-IN'];
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] as string).length)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
