/** How the dashboard is handed out; what it does is tested in a browser (test/e2e/dashboard). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { API_TYPES, apiTypes } from '../../../scripts/dashboard/api-types.ts';
import { buildDashboardIfStale, DASHBOARD_OUT } from '../../../scripts/dashboard/build.ts';
import { ApiUnderTest } from './support/api-under-test.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

describe('the dashboard as files', () => {
  let gate: ApiUnderTest;
  let names: string[];

  before(async function () {
    this.timeout(120_000);
    await buildDashboardIfStale();
    names = Object.keys(JSON.parse(readFileSync(join(ROOT, DASHBOARD_OUT, 'files.json'), 'utf8')));
    // nobody has to log in to be asked for a log-in
    gate = await ApiUnderTest.start({ anonymous: 'none' });
  });
  after(() => gate.stop());

  const get = (path: string, headers: Record<string, string> = {}) => gate.call<string>(path, { headers });

  it('is a page at /, to be asked for each time, that nothing foreign may run in or frame', async () => {
    const { status, headers } = await get('/');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-cache');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    const policy = String(headers['content-security-policy']).split('; ');
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
    ])
      assert.ok(policy.includes(rule), rule);
    assert.ok(!policy.some((rule) => rule.includes('unsafe')), policy.join('; '));
    const again = await get('/', { 'If-None-Match': String(headers.etag) });
    assert.deepEqual([again.status, again.headers.etag], [304, headers.etag]);
  });

  it('has nothing inline in its page', async () => {
    const page = readFileSync(join(ROOT, DASHBOARD_OUT, 'index.html'), 'utf8');
    assert.doesNotMatch(page, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    assert.doesNotMatch(page, /https?:\/\//);
  });

  it('is served file by file, to be kept for good, in the coding that the caller takes', async () => {
    for (const name of names.filter((each) => each !== 'index.html')) {
      for (const coding of ['br', 'gzip', 'identity']) {
        const { status, headers } = await get(`/dashboard/${name}`, { 'Accept-Encoding': coding });
        assert.equal(status, 200, name);
        assert.match(String(headers['cache-control']), /max-age=31536000, immutable/);
        assert.match(String(headers.vary), /Accept-Encoding/);
        if (coding === 'identity') assert.equal(headers['content-encoding'], undefined);
      }
    }
  });

  it('prefers the smaller coding where the caller takes both', async () => {
    const { headers } = await get('/', { 'Accept-Encoding': 'gzip, deflate, br' });
    assert.equal(headers['content-encoding'], 'br');
  });

  it('leads to no file that is not in its list', async () => {
    const paths = [
      '/dashboard/..%2f..%2f..%2fpackage.json',
      '/dashboard/%2e%2e%2findex.html.br',
      '/dashboard/files.json',
      '/dashboard/sources.txt',
      '/dashboard/index.html',
      '/dashboard/index.html.br',
      '/dashboard/__proto__',
      '/dashboard/constructor',
      '/dashboard/%00',
    ];
    for (const path of paths) assert.equal((await get(path)).status, 404, path);
  });

  it('knows the API as it is: npm run types:api after a change of a route', async function () {
    this.timeout(60_000);
    const open = await ApiUnderTest.start();
    try {
      const { body } = await open.call<object>('/openapi.json');
      assert.equal(readFileSync(API_TYPES, 'utf8'), await apiTypes(body));
    } finally {
      await open.stop();
    }
  });
});
