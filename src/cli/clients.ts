/** `gate clients`: who may call the API. */
import { type Command, InvalidArgumentError } from 'commander';
import { SCOPES, type Scope } from '../model/client.ts';
import { table } from './columns.ts';
import type { GatewayClient } from './gateway-client.ts';
import { show, type Terminal } from './terminal.ts';

const CLIENTS = '/authentication/v1/clients';
const DEFAULT_NAME = 'gate clients add';

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

export function addClientsCommand(
  program: Command,
  { client, terminal }: { client: () => GatewayClient; terminal: Terminal },
): void {
  const clients = program.command('clients').description('who may call the API');

  clients
    .command('add')
    .description('add a client; its secret is shown this once')
    .option('--name <name>', 'what it is, 1 to 64 characters', DEFAULT_NAME)
    .option('--scopes <scopes>', `any of ${SCOPES.join(', ')}, separated by commas`, scopesIn, ['admin'])
    .action(async ({ name, scopes }: { name: string; scopes: Scope[] }) => {
      const { body } = await client().call({ method: 'POST', path: CLIENTS, body: { name, scopes } });
      const { clientId, clientSecret, scopes: given } = body as unknown as Added;
      show(
        terminal,
        { clientId, clientSecret, scopes: given },
        () =>
          `client id      ${clientId}\nclient secret  ${clientSecret}\nscopes         ${given.join(', ')}`,
      );
    });

  clients
    .command('list')
    .description('list the clients')
    .action(async () => {
      const listed = await client().get<Listed[]>(CLIENTS);
      show(terminal, listed, () => table(terminal, HEAD, listed.map(rowOf)));
    });

  clients
    .command('revoke')
    .description('remove a client: its tokens and sockets end at once')
    .argument('<clientId>')
    .option('--tokens', 'end its tokens and sockets, and let it log in again')
    .action(async (clientId: string, { tokens }: { tokens?: true }) => {
      const path = `${CLIENTS}/${encodeURIComponent(clientId)}${tokens ? '/tokens' : ''}`;
      await client().call({ method: 'DELETE', path });
      show(terminal, {}, () => (tokens ? `the tokens of ${clientId} are void` : `${clientId} is removed`));
    });
}

/** @throws InvalidArgumentError */
function scopesIn(text: string): Scope[] {
  const names = text.split(',').map((name) => name.trim());
  const scopes = SCOPES.filter((scope) => names.includes(scope));
  if (names.every((name) => scopes.some((scope) => scope === name))) return scopes;
  throw new InvalidArgumentError(`It may name ${SCOPES.join(', ')}, separated by commas.`);
}

const HEAD = ['CLIENT ID', 'NAME', 'SCOPES', 'ADDED', 'LAST LOG-IN'];

function rowOf({ clientId, name, scopes, createdAt, lastUsedAt }: Listed): string[] {
  return [
    clientId,
    name,
    scopes.join(', '),
    day(createdAt),
    lastUsedAt === undefined ? 'never' : day(lastUsedAt),
  ];
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
