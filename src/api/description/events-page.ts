/** The AsyncAPI document as a page: plain HTML, made here, without a script. */
import type { Channel, Contract } from './channel.ts';

interface Document {
  contracts: readonly Contract[];
  /** The JSON Schema of what a channel carries. */
  schemaOf: (channel: Channel) => unknown;
}

export function eventsPage({ contracts, schemaOf }: Document): string {
  const contents = contracts.map(
    ({ name, title }) => `<li><a href="#${escaped(name)}">${escaped(title)}</a></li>`,
  );
  const sections = contracts.map((contract) => section(contract, schemaOf));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gate: events and MQTT</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/docs.css">
</head>
<body>
<main>
<h1>Events and MQTT</h1>
<p>What the gateway sends and takes besides <a href="/docs">REST</a>. For programs: <a href="/asyncapi.json">asyncapi.json</a>.</p>
<ul>
${contents.join('\n')}
</ul>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

function section(contract: Contract, schemaOf: Document['schemaOf']): string {
  const { name, title, description, server, channels } = contract;
  const address = `${server.protocol}://${server.host}${server.pathname ?? ''}`;
  return `<section>
<h2 id="${escaped(name)}">${escaped(title)}</h2>
${paragraphs(description)}
<p>For example at <code>${escaped(address)}</code>.</p>
${channels.map((channel) => part(contract, channel, schemaOf(channel))).join('\n')}
</section>`;
}

function part({ name: contract }: Contract, channel: Channel, schema: unknown): string {
  const { name, address, direction, summary, description, example, retained } = channel;
  const who = direction === 'gateSends' ? 'sent by the gateway' : 'taken by the gateway';
  const title = address === '/' ? name : address;
  return `<h3 id="${escaped(`${contract}.${name}`)}"><code>${escaped(title)}</code></h3>
<p>${marked(summary)}. <span class="direction">${who}${retained ? ', retained' : ''}</span></p>
${description === undefined ? '' : paragraphs(description)}
<pre>${escaped(JSON.stringify(example, undefined, 2))}</pre>
<details><summary>JSON Schema</summary><pre>${escaped(JSON.stringify(schema, undefined, 2))}</pre></details>`;
}

function paragraphs(text: string): string {
  return text
    .split('\n\n')
    .map((paragraph) => `<p>${marked(paragraph)}</p>`)
    .join('\n');
}

/** The little Markdown that the descriptions have. */
function marked(text: string): string {
  return escaped(text)
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/`([^`]+)`/g, '<code>$1</code>');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}
