/** The `gate` command as a person runs it: beside the running daemon, and beside none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Daemon } from '../support/daemon.ts';
import { GateCommand } from '../support/gate-command.ts';
import { tempFolder } from '../support/temp-folder.ts';

interface Added {
  clientId: string;
  clientSecret: string;
  scopes: string[];
}

describe('the gate command', () => {
  let folder: ReturnType<typeof tempFolder>;
  beforeEach(() => {
    folder = tempFolder();
  });
  afterEach(() => folder.remove());

  const gate = (...words: string[]) => new GateCommand(folder.path, words).ended;

  describe('beside a daemon', () => {
    let daemon: Daemon;
    beforeEach(async () => {
      daemon = await Daemon.start({ dataFolder: folder.path, environment: { ON_PREMISE_ANONYMOUS: 'none' } });
    });
    afterEach(() => daemon.stop());

    const tokenOf = ({ clientId, clientSecret }: Added) =>
      fetch(`${daemon.url}/authentication/v1/oauth/token`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ clientId, clientSecret }),
      });
    const devices = (token: string) =>
      fetch(`${daemon.url}/device/v1/devices`, { headers: { Authorization: `Bearer ${token}` } });

    it('adds a client that can log in, lists it, and takes it away', async () => {
      const added = await gate('clients', 'add', '--json');
      assert.deepEqual([added.code, added.errors], [0, '']);
      const client = JSON.parse(added.output) as Added;
      assert.deepEqual(Object.keys(client), ['clientId', 'clientSecret', 'scopes']);
      assert.deepEqual(client.scopes, ['admin']);
      const { access_token } = (await (await tokenOf(client)).json()) as { access_token: string };
      assert.equal((await devices(access_token)).status, 200);

      const listed = await gate('clients', 'list', '--json');
      const entry = (JSON.parse(listed.output) as Added[]).find(
        ({ clientId }) => clientId === client.clientId,
      );
      assert.deepEqual(entry?.scopes, ['admin']);
      assert.equal(listed.output.includes(client.clientSecret), false);

      const voided = await gate('clients', 'revoke', client.clientId, '--tokens', '--json');
      assert.deepEqual([voided.code, voided.output], [0, '{}\n']);
      assert.equal((await devices(access_token)).status, 401);
      assert.equal((await tokenOf(client)).status, 200);

      const revoked = await gate('clients', 'revoke', client.clientId);
      assert.deepEqual([revoked.code, revoked.output], [0, `${client.clientId} is removed\n`]);
      assert.equal((await tokenOf(client)).status, 401);
    });

    it('shows a person what it did, by name and scopes', async () => {
      const added = await gate('clients', 'add', '--name', 'panel', '--scopes', 'control,read');
      assert.match(added.output, /^client id +\S+\nclient secret +\S+\nscopes +read, control\n$/);
      const { output } = await gate('clients', 'list');
      assert.match(output, /^CLIENT ID +NAME +SCOPES +ADDED +LAST LOG-IN\n/);
      assert.match(output, /^\S+ +panel +read, control +\d{4}-\d\d-\d\d +never$/m);
    });

    it('says in the gateway’s own words why it refused, with exit code 1', async () => {
      const unknown = await gate('clients', 'revoke', '../../device/v1/devices');
      assert.equal(unknown.code, 1);
      assert.match(
        unknown.errors,
        /^gate: there is no client "\.\.\/\.\.\/device\/v1\/devices"\. Next: .+\n$/,
      );
      const nameless = await gate('clients', 'add', '--name', ' ');
      assert.equal(nameless.code, 1);
      assert.match(nameless.errors, /1 to 64 characters/);
    });
  });

  it('says that no gateway is running, and what to do, with exit code 3', async () => {
    const { code, output, errors } = await gate('clients', 'list');
    assert.deepEqual([code, output], [3, '']);
    assert.match(
      errors,
      /^gate: gate is not running: nobody answers on \S+gate\.sock\. Next: start it.*--data-folder/,
    );
    const elsewhere = await gate('--data-folder', '/nowhere', 'clients', 'list');
    assert.equal(elsewhere.code, 3);
    assert.match(elsewhere.errors, /\/nowhere\/gate\.sock/);
  });

  it('says that what answers is no gateway, or that it hung up', async () => {
    const path = join(folder.path, 'gate.sock');
    for (const [answer, expected] of [
      ['<html>', /what is no JSON/],
      [undefined, /did not answer/],
    ] as const) {
      const server = createServer((request, response) => {
        if (answer === undefined) request.socket.destroy();
        else response.end(answer);
      });
      server.listen(path);
      await once(server, 'listening');
      const { code, errors } = await gate('clients', 'list');
      assert.notEqual(code, 0);
      assert.match(errors, expected);
      server.close();
      await once(server, 'close');
    }
  });

  it('says what is wrong with its arguments or its settings, with exit code 2', async () => {
    const wrong: [string[], RegExp][] = [
      [['clients', 'add', '--scopes', 'root'], /read, control, admin/],
      [['clients', 'ad'], /Did you mean add\?/],
      [['clients', 'revoke'], /missing required argument/],
      [['clients', 'list', '--yaml'], /unknown option/],
      [[], /Usage: gate/],
    ];
    for (const [words, message] of wrong) {
      const { code, output, errors } = await gate(...words);
      assert.deepEqual([code, output], [2, ''], words.join(' '));
      assert.match(errors, message);
    }
    // the settings are those of the daemon, also where they are wrong
    mkdirSync(join(folder.path, 'config'));
    writeFileSync(join(folder.path, 'config', '.env'), 'PORT=none\n');
    const { code, errors } = await gate('clients', 'list');
    assert.equal(code, 2);
    assert.match(errors, /^gate: PORT is "none", but must be/);
    assert.equal((await gate('--help')).code, 0);
  });
});
