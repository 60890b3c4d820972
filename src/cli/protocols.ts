/** `gate protocols`: which there are; install, update and remove, followed to the end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { GatewayError } from '../model/error.ts';
import type { JsonObject } from '../model/json.ts';
import { assignmentsIn } from './assignments.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type ListedProtocol, listProtocols, namedProtocol, PROTOCOLS } from './protocol-list.ts';
import { show, type Terminal, table } from './terminal.ts';

const LOOK_EVERY_MS = 500;
/** An image may come over a slow line. */
const FOLLOW_TIMEOUT_MS = 30 * 60_000;
const UNDER_WAY = ['installing', 'updating', 'removing'];

interface Tools {
  client: () => GatewayClient;
  terminal: Terminal;
}

/** What is done to one protocol, and the status that it shall have in the end. */
interface Change {
  method: 'POST' | 'PUT' | 'DELETE';
  query?: string;
  body?: JsonObject;
  wanted: string;
  done: string;
}

export function addProtocolsCommand(program: Command, { client, terminal }: Tools): void {
  const protocols = program
    .command('protocols')
    .description('which protocols there are, and how each does')
    .action(async () => {
      const listed = await listProtocols(client());
      show(terminal, listed, () =>
        table(
          ['PROTOCOL', 'VERSION', 'STATUS', 'STATE', 'WHY'],
          listed.map(({ slug, version, status, state, reason = '' }) => [
            slug,
            version,
            status,
            state,
            reason,
          ]),
        ),
      );
    });
  const change = async (named: string, what: Change) => {
    const protocol = await changed({ client, terminal }, named, what);
    show(terminal, protocol, () => `${protocol.slug} ${protocol.version} is ${what.done}`);
  };

  protocols
    .command('install')
    .description('install a protocol, and wait until it runs')
    .argument('<protocol>', 'its slug')
    .argument('[parameters...]', 'name=value, or one JSON object')
    .action((named: string, words: string[]) =>
      change(named, {
        method: 'POST',
        body: { parameters: assignmentsIn(words) },
        wanted: 'installed',
        done: 'installed',
      }),
    );

  protocols
    .command('update')
    .description('update a protocol; a version that fails is replaced by the one that ran')
    .argument('<protocol>', 'its slug')
    .option('--to-version <version>', 'the version that it must become')
    .option('--image <image>', 'of a container: the image to change to')
    .action((named: string, { toVersion, image }: { toVersion?: string; image?: string }) =>
      change(named, {
        method: 'PUT',
        body: {
          ...(toVersion === undefined ? {} : { version: toVersion }),
          ...(image === undefined ? {} : { image }),
        },
        wanted: 'installed',
        done: 'updated',
      }),
    );

  protocols
    .command('remove')
    .description('remove a protocol')
    .argument('<protocol>', 'its slug')
    .option('--force', 'although it has devices: they stay, and are not reached')
    .action((named: string, { force }: { force?: true }) =>
      change(named, {
        method: 'DELETE',
        query: force ? '?force=true' : '',
        wanted: 'notInstalled',
        done: 'removed',
      }),
    );
}

/** @throws GatewayError when it is refused, or fails */
async function changed(
  { client, terminal }: Tools,
  named: string,
  { method, query = '', body, wanted }: Change,
): Promise<ListedProtocol> {
  const gateway = client();
  const { id, slug } = await namedProtocol(gateway, named);
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, terminal.signal]);
  const events = await gateway.events({ kinds: 'installation', signal });
  const telling = (async () => {
    for await (const { action, payload } of events)
      if (action === 'installation_progress' && payload['protocolId'] === id)
        terminal.say(`  ${payload['status']}: ${payload['reason']}`);
  })();
  try {
    const path = `${PROTOCOLS}/${encodeURIComponent(id)}/installation${query}`;
    await gateway.call({ method, path, ...(body === undefined ? {} : { body }) });
    return await settled({ gateway, signal: terminal.signal }, slug, wanted);
  } finally {
    done.abort();
    // whatever became of it: the outcome above is what counts
    await telling.catch(() => undefined);
  }
}

async function settled(
  { gateway, signal }: { gateway: GatewayClient; signal: AbortSignal },
  slug: string,
  wanted: string,
): Promise<ListedProtocol> {
  const until = Date.now() + FOLLOW_TIMEOUT_MS;
  for (;;) {
    const protocol = await namedProtocol(gateway, slug);
    const { status, reason } = protocol;
    if (status === wanted) return protocol;
    if (!UNDER_WAY.includes(status)) {
      throw new GatewayError('internal', `${slug} is ${status}: ${reason ?? 'no reason was given'}`, {
        hint: `"gate logs ${slug}" has what it wrote`,
      });
    }
    if (signal.aborted || Date.now() > until) {
      throw new GatewayError('internal', `${slug} is ${status} still`, {
        hint: '"gate protocols" shows how it goes on',
      });
    }
    await delay(LOOK_EVERY_MS);
  }
}
