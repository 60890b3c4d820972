import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Api } from '../../../src/api/server.ts';
import { ApiUnderTest } from './support/api-under-test.ts';

describe('where the API listens', () => {
  const started: ApiUnderTest[] = [];
  const keep = (gate: ApiUnderTest) => {
    started.push(gate);
    return gate;
  };
  afterEach(async () => {
    for (const gate of started.splice(0)) await gate.stop();
  });

  it('makes its socket for its owner alone, and removes it when it stops', async () => {
    const gate = keep(await ApiUnderTest.start());
    assert.equal(statSync(gate.socketPath).mode & 0o777, 0o600);
    await gate.api.stop();
    await gate.api.stop();
    assert.equal(existsSync(gate.socketPath), false);
    await assert.rejects(gate.call('/health/live'));
  });

  it('answers on the socket alone when the LAN is not served', async () => {
    const gate = keep(await ApiUnderTest.start({ lan: undefined }));
    assert.equal(gate.api.address(), undefined);
    assert.equal((await gate.callLocally('/health/live')).status, 200);
  });

  it('says that the port is taken, and leaves no socket behind', async () => {
    const first = keep(await ApiUnderTest.start());
    const second = keep(await ApiUnderTest.create({ lan: { bind: '127.0.0.1', port: first.port } }));
    await assert.rejects(second.api.start(), {
      code: 'portTaken',
      message: `port ${first.port} on 127.0.0.1 is taken by another program; set PORT to another`,
    });
    assert.equal(existsSync(second.socketPath), false);
  });

  it('says when the box does not have the address', async () => {
    const gate = keep(await ApiUnderTest.create({ lan: { bind: '192.0.2.1', port: 0 } }));
    await assert.rejects(gate.api.start(), { code: 'badSetting', message: /BIND/ });
  });

  it('does not take the socket from a daemon that answers', async () => {
    const first = keep(await ApiUnderTest.start());
    const second = keep(await ApiUnderTest.create({ socketPath: first.socketPath }));
    await assert.rejects(second.api.start(), { code: 'alreadyRunning' });
    await assert.rejects(Api.ensureAlone(first.socketPath), { code: 'alreadyRunning' });
    assert.equal((await first.callLocally('/health/live')).status, 200);
  });

  it('replaces the socket that a killed daemon left behind', async () => {
    const gate = keep(await ApiUnderTest.create());
    const script = `require('net').createServer().listen(${JSON.stringify(gate.socketPath)}, () => console.log('up'))`;
    const killed = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(killed.stdout, 'data');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    assert.ok(existsSync(gate.socketPath));
    await gate.api.start();
    assert.equal((await gate.callLocally('/health/live')).status, 200);
  });

  it('does not delete a file that is no socket', async () => {
    const gate = keep(await ApiUnderTest.create());
    writeFileSync(gate.socketPath, 'precious');
    await assert.rejects(gate.api.start(), { code: 'folderUnusable' });
    assert.ok(existsSync(gate.socketPath));
  });

  it('says that a path is too long for a socket', async () => {
    const gate = keep(await ApiUnderTest.create({ socketPath: `/tmp/${'x'.repeat(120)}/gate.sock` }));
    await assert.rejects(gate.api.start(), { code: 'folderUnusable', message: /DATA_FOLDER/ });
  });

  it('lets a request under way end, and cuts connections that say nothing', async () => {
    const gate = keep(await ApiUnderTest.start());
    const silent = connect(gate.port, '127.0.0.1').on('error', () => {});
    await once(silent, 'connect');
    const { devices } = gate;
    const create = devices.create.bind(devices);
    const entered = new Promise<() => void>((enter) => {
      devices.create = (input) => new Promise((resolve) => enter(() => resolve(create(input))));
    });
    const answer = gate.call('/device/v1/devices', { method: 'POST', body: { name: 'a', isVirtual: true } });
    const proceed = await entered;
    const stopped = gate.api.stop();
    proceed();
    assert.equal((await answer).status, 201);
    await stopped;
    if (!silent.closed) await once(silent, 'close');
  });
});
