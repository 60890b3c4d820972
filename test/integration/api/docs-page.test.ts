/** `/docs`: what the pages name is answered by the gateway itself, and they name nothing elsewhere. */
import assert from 'node:assert/strict';
import { ApiUnderTest } from './support/api-under-test.ts';

/** Where a browser goes by itself, or on a click. */
const NAMED = /(?:src|href|spec-url|action)="([^"]*)"/g;

describe('the page /docs', () => {
  let gate: ApiUnderTest;
  before(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
  });
  after(() => gate.stop());

  const page = async (path: string) => {
    const answer = await gate.call<string>(path, { headers: { Accept: 'text/html,*/*;q=0.8' } });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    return answer;
  };

  for (const path of ['/docs', '/docs/events']) {
    it(`${path} names this gateway alone, and all that it names is there`, async () => {
      const { body } = await page(path);
      const named = [...body.matchAll(NAMED)].map(([, url = '']) => url);
      assert.ok(named.length >= 3, named.join());
      for (const url of named) {
        if (url.startsWith('data:,')) continue;
        if (url.startsWith('#')) {
          assert.ok(body.includes(`id="${url.slice(1)}"`), url);
          continue;
        }
        assert.match(url, /^\/(?!\/)/, `${url} is not on this gateway`);
        assert.equal((await gate.call(url)).status, 200, url);
      }
      assert.doesNotMatch(body, /https?:\/\/(?!localhost|127\.0\.0\.1)/);
    });

    it(`${path} has no script in it, and may load from this gateway alone`, async () => {
      const { body, headers } = await page(path);
      assert.doesNotMatch(body, /<script(?![^>]*\ssrc=)|\son\w+=|javascript:/i);
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /script-src 'self';/);
      assert.doesNotMatch(policy, /https?:|\*|unsafe-eval|script-src[^;]*unsafe/);
    });
  }

  it('has files that a browser keeps for good under the address that the page names', async () => {
    const { body } = await page('/docs');
    const script = /src="([^"]+)"/.exec(body)?.[1] ?? '';
    const { headers, body: text } = await gate.call<string>(script);
    assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
    assert.match(String(headers['cache-control']), /max-age=31536000, immutable/);
    assert.ok(text.length > 500_000, `${text.length} characters`);
    const held = await gate.call(script, { headers: { 'If-None-Match': String(headers.etag) } });
    assert.equal(held.status, 304);
    const plain = await gate.call(script.replace(/\?.*/, ''));
    assert.equal(plain.headers['cache-control'], 'no-cache');
  });

  it('has those files and no other', async () => {
    for (const file of [
      'docs.html',
      'nothing.js',
      '..%2fopenapi.ts',
      '%2e%2e%2f%2e%2e%2fserver.ts',
      '__proto__',
    ]) {
      assert.equal((await gate.call(`/docs/${file}`)).status, 404, file);
    }
  });

  it('shows every event and topic, its example among them', async () => {
    const { body } = await page('/docs/events');
    for (const name of [
      'data_{deviceId}',
      'not_paired',
      'gate/addons/{slug}/state',
      '&quot;temperature&quot;: 30.82',
    ]) {
      assert.ok(body.includes(name), name);
    }
  });
});
