/** What counts as healthy for a release that is tried out, by what it answers on its socket. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { tryOut } from '../../../src/updater/health-watch.ts';
import { tempFolder } from '../../support/temp-folder.ts';

type Parts = Record<string, { state: string; reason?: string }>;

describe('a release that is tried out', () => {
  let folder: ReturnType<typeof tempFolder>;
  let server: Server;
  let parts: Parts;
  const socketPath = () => join(folder.path, 'gate.sock');

  beforeEach(async () => {
    folder = tempFolder();
    server = createServer((_request, answer) => answer.end(JSON.stringify({ status: 'degraded', parts })));
    await new Promise<void>((resolve) => server.listen(socketPath(), resolve));
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  const trouble = (before: readonly string[]) =>
    tryOut({
      socketPath: socketPath(),
      service: { look: async () => ({ restarts: 0, processId: 1 }) },
      parts: before,
      healthyWithinMs: 500,
      steadyMs: 0,
    });

  it('is healthy although a part is degraded that ran before', async () => {
    parts = { store: { state: 'running' }, 'addon:zigbee': { state: 'degraded' } };
    assert.equal(await trouble(['store', 'addon:zigbee']), undefined);
  });

  it('is not when a part is down that ran before, or is not there', async () => {
    parts = { store: { state: 'running' }, 'addon:zigbee': { state: 'failed', reason: 'no stick' } };
    assert.match(String(await trouble(['store', 'addon:zigbee'])), /: addon:zigbee is failed: no stick$/);
    assert.match(String(await trouble(['store', 'addon:knx'])), /: addon:knx is not there$/);
  });

  it('is not without the link to the cloud that was there before; where there was none, it is', async () => {
    parts = { store: { state: 'running' }, cloud: { state: 'degraded', reason: 'nothing answers' } };
    assert.match(String(await trouble(['store', 'cloud'])), /: cloud is degraded: nothing answers$/);
    assert.equal(await trouble(['store']), undefined);
  });
});
