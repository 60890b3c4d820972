/** Fetching a release over a line as bad as lines are. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { fetchRelease } from '../../../src/updater/fetch-release.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const ARCHIVE = randomBytes(300_000);
const at = (range: string | undefined) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);

describe('fetching a release', () => {
  let folder: ReturnType<typeof tempFolder>;
  let server: Server;
  let base: string;
  let answer: RequestListener;
  let asked: string[];

  beforeEach(async () => {
    folder = tempFolder();
    asked = [];
    server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.range ?? ''}`.trim());
      if (/\.(sha256|sig)$/.test(request.url ?? '')) response.end(`small ${request.url?.slice(-4)}`);
      else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    folder.remove();
  });

  const fetched = (path = '/r/gate.tar.gz') =>
    fetchRelease({ url: base + path, allowed: [`${base}/r/`], spool: folder.path, waitMs: () => 1 });

  it('takes up a connection that breaks where it broke', async () => {
    answer = ({ headers }, response) => {
      const from = at(headers.range);
      response.writeHead(from ? 206 : 200, { 'content-length': ARCHIVE.length - from });
      // what was promised is more than comes
      response.write(ARCHIVE.subarray(from, from + 120_000), () => {
        if (from + 120_000 < ARCHIVE.length) setTimeout(() => response.destroy(), 50);
        else response.end();
      });
    };
    const name = await fetched();
    assert.deepEqual(readFileSync(join(folder.path, name)), ARCHIVE);
    assert.equal(readFileSync(join(folder.path, `${name}.sha256`), 'utf8'), 'small a256');
    assert.ok(asked.filter((line) => line.includes('bytes=')).length >= 2, asked.join('\n'));
  });

  it('begins anew where the server cannot go on', async () => {
    let times = 0;
    answer = (_request, response) => {
      times += 1;
      response.writeHead(200, { 'content-length': ARCHIVE.length });
      if (times === 1)
        response.write(ARCHIVE.subarray(0, 100_000), () => setTimeout(() => response.destroy(), 50));
      else response.end(ARCHIVE);
    };
    assert.deepEqual(readFileSync(join(folder.path, await fetched())), ARCHIVE);
  });

  it('tries again when the server is in trouble, and gives up in the end', async () => {
    let times = 0;
    answer = (_request, response) => {
      times += 1;
      response.writeHead(503).end();
    };
    await assert.rejects(fetched(), { code: 'unavailable', message: /was answered 503/ });
    assert.equal(times, 6);
  });

  it('does not try again what is not there', async () => {
    answer = (_request, response) => response.writeHead(404).end();
    await assert.rejects(fetched(), { code: 'notFound' });
    assert.equal(asked.filter((line) => line === '/r/gate.tar.gz').length, 1);
  });

  it('follows no way out of what is allowed', async () => {
    answer = (_request, response) => response.writeHead(302, { location: '/elsewhere/gate.tar.gz' }).end();
    await assert.rejects(fetched(), { code: 'forbidden' });
    await assert.rejects(fetched('/elsewhere/gate.tar.gz'), { code: 'forbidden' });
    assert.ok(!asked.some((line) => line.startsWith('/elsewhere')));
  });

  it('follows a way within it', async () => {
    answer = ({ url }, response) => {
      if (url === '/r/gate.tar.gz') response.writeHead(302, { location: '/r/mirror/gate.tar.gz' }).end();
      else response.end(ARCHIVE);
    };
    assert.deepEqual(readFileSync(join(folder.path, await fetched())), ARCHIVE);
  });
});
