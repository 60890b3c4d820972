/** `gate protocols`: which there are; install, update and remove, followed to the end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { GatewayError } from '../model/error.ts';
import { isJsonObject, type JsonObject } from '../model/json.ts';
import { assignmentsIn } from './assignments.ts';
import { table } from './columns.ts';
import type { GatewayClient } from './gateway-client.ts';
import { type ListedProtocol, listProtocols, namedProtocol, PROTOCOLS } from './protocol-list.ts';
import { toneOf } from './status.ts';
import { show, type Terminal } from './terminal.ts';

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
          terminal,
          ['PROTOCOL', 'VERSION', 'STATUS', 'STATE', 'WHY'],
          listed.map(({ slug, version, status, state, reason = '' }) => [
            slug,
            version,
            { text: status, tone: toneOf(status) },
            { text: state, tone: toneOf(state) },
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
    .option('--image <image>', 'as a container of this image')
    .action((named: string, words: string[], { image }: { image?: string }) =>
      change(named, {
        method: 'POST',
        body: { parameters: assignmentsIn(words), ...(image === undefined ? {} : { image }) },
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
    .option('--data', 'the data of its container too')
    .action((named: string, { force = false, data = false }: { force?: boolean; data?: boolean }) =>
      change(named, {
        method: 'DELETE',
        query: `?force=${force}&data=${data}`,
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
      if (action === 'installation_progress' && payload['protocolId'] === id) tell(terminal, payload);
  })();
  try {
    const path = `${PROTOCOLS}/${encodeURIComponent(id)}/installation${query}`;
    await gateway.call({ method, path, ...(body === undefined ? {} : { body }) });
    return await settled({ gateway, signal: terminal.signal }, slug, wanted);
  } finally {
    done.abort();
    terminal.progress(undefined);
    // whatever became of it: the outcome above is what counts
    await telling.catch(() => undefined);
  }
}

/** Each step stays as a line; how far a fetch is, is a bar below them. */
function tell(terminal: Terminal, { status, reason, progress }: JsonObject): void {
  if (isJsonObject(progress) && bar(terminal, progress as Record<string, number>)) return;
  terminal.progress(undefined);
  terminal.say(`  ${status}: ${reason}`);
}

function bar(terminal: Terminal, { bytes = 0, totalBytes = 0, layers, layersDone }: Record<string, number>) {
  const megabytes = (count: number) => (count / 1e6).toFixed(1);
  const words = `${megabytes(bytes)} of ${megabytes(totalBytes)} MB, layers: ${layersDone} of ${layers}`;
  return terminal.progress(words, totalBytes === 0 ? 0 : bytes / totalBytes);
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
