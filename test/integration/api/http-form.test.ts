import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { BODY_MAX_BYTES } from '../../../src/api/body.ts';
import { HEADERS_MAX_BYTES } from '../../../src/api/http-server.ts';
import { ApiUnderTest, type CallOptions, GATEWAY_ID } from './support/api-under-test.ts';

const DEVICES = '/device/v1/devices';
const PAGE = 'http://panel.example';

describe('the form of requests and answers', () => {
  let gate: ApiUnderTest;
  before(async () => {
    gate = await ApiUnderTest.start({ corsOrigins: [PAGE], allowedHosts: ['gate.example'] });
  });
  after(() => gate.stop());

  const refused = async (path: string, options: CallOptions, [status, code]: [number, string]) => {
    const answer = await gate.call(path, options);
    assert.deepEqual([answer.status, answer.body['code']], [status, code], JSON.stringify(answer.body));
    assert.equal(typeof answer.body['message'], 'string');
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
    return answer;
  };

  it('answers 404 where there is nothing', async () => {
    await refused('/nothing', {}, [404, 'notFound']);
    await refused('/device/v1/Devices', {}, [404, 'notFound']);
    await refused('//nothing', {}, [404, 'notFound']);
  });

  it('answers 405 to a wrong method and says which are right', async () => {
    const answer = await refused(DEVICES, { method: 'PUT' }, [405, 'methodNotAllowed']);
    assert.deepEqual(new Set(answer.headers.allow?.split(', ')), new Set(['HEAD', 'GET', 'POST']));
    await refused(DEVICES, { method: 'OPTIONS' }, [405, 'methodNotAllowed']);
    await refused('/health/live', { method: 'PROPFIND' }, [405, 'methodNotAllowed']);
  });

  it('answers HEAD as GET, without the body', async () => {
    const answer = await gate.call(DEVICES, { method: 'HEAD' });
    assert.deepEqual([answer.status, answer.body], [200, undefined]);
    assert.ok(Number(answer.headers['content-length']) > 0);
  });

  it('answers 406 when the caller takes no JSON', async () => {
    await refused(DEVICES, { headers: { Accept: 'text/html' } }, [406, 'notAcceptable']);
    for (const accept of ['*/*', 'application/*', 'text/html, application/json;q=0.1']) {
      assert.equal((await gate.call(DEVICES, { headers: { Accept: accept } })).status, 200);
    }
  });

  it('answers 400 to a malformed percent-encoding in path or query', async () => {
    await refused(`${DEVICES}/%E0%A4%A`, {}, [400, 'badRequest']);
    await refused(`${DEVICES}?colour=%zz`, {}, [400, 'badRequest']);
  });

  it('answers 400 to a body that is not JSON, or too deep', async () => {
    for (const body of ['{"name":', '', '\u0000', '"text"', '[]', 'null', '['.repeat(100_000)]) {
      await refused(DEVICES, { method: 'POST', body }, [400, 'badRequest']);
    }
  });

  it('answers 413 to a body beyond 1 MiB, announced or not', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(BODY_MAX_BYTES) });
    await refused(DEVICES, { method: 'POST', body }, [413, 'tooLarge']);
    const headers = { 'Transfer-Encoding': 'chunked' };
    await refused(DEVICES, { method: 'POST', body, headers }, [413, 'tooLarge']);
  });

  it('answers 415 to a body that is not JSON in UTF-8', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''];
    for (const type of types) {
      const options = { method: 'POST', body: '{}', headers: { 'Content-Type': type } };
      await refused(DEVICES, options, [415, 'unsupportedMediaType']);
    }
    const packed = { method: 'POST', body: '{}', headers: { 'Content-Encoding': 'gzip' } };
    await refused(DEVICES, packed, [415, 'unsupportedMediaType']);
  });

  it('answers 431 to headers beyond their limit', async () => {
    const answer = await gate.call(DEVICES, { headers: { 'X-Long': 'x'.repeat(HEADERS_MAX_BYTES) } });
    assert.deepEqual([answer.status, answer.body['code']], [431, 'headersTooLarge']);
  });

  /** All that comes back for these bytes, until the gateway closes. */
  async function answerTo(sent: string): Promise<string> {
    const connection = connect(gate.port, '127.0.0.1');
    let received = '';
    connection.on('data', (chunk) => {
      received += chunk.toString();
    });
    connection.write(sent);
    await once(connection, 'close');
    return received;
  }

  it('answers 400 to what is not HTTP, and closes', async () => {
    assert.match(await answerTo('hello there\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"code":"badRequest"/);
  });

  it('answers a request before what is behind it and is none, then closes', async () => {
    for (let round = 0; round < 20; round += 1) {
      const get = await answerTo('GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n{"deep": [[[[');
      assert.match(
        get,
        /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n[\s\S]*\r\n\r\n\{"status":"live"\}$/,
      );
      const head = await answerTo(`HEAD ${DEVICES} HTTP/1.1\r\nHost: localhost\r\n\r\n[[[[[[[[`);
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\n$/);
    }
  });

  it('answers a request whose body breaks off in mid-frame with 400, a HEAD without a body', async () => {
    const broken =
      'Host: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nno length\r\n';
    assert.match(
      await answerTo(`POST ${DEVICES} HTTP/1.1\r\n${broken}`),
      /^HTTP\/1\.1 400 [\s\S]*"code":"badRequest"/,
    );
    const head = await answerTo(`HEAD ${DEVICES} HTTP/1.1\r\n${broken}`);
    assert.match(head, /^HTTP\/1\.1 [24]00 (?:[^\r]+\r\n)+\r\n$/);
  });

  it('answers only under names that are its own, against DNS rebinding', async () => {
    for (const host of [
      'attacker.example',
      'localhost.attacker.example',
      '127.0.0.1.attacker.example:1234',
    ]) {
      await refused('/health/live', { headers: { Host: host } }, [403, 'forbidden']);
    }
    const own = [
      hostname(),
      `${hostname()}.local`,
      'localhost:1234',
      '192.168.1.7',
      '[::1]:1234',
      'GATE.example',
    ];
    for (const host of own) {
      assert.equal((await gate.call('/health/live', { headers: { Host: host } })).status, 200, host);
    }
    assert.equal((await gate.callLocally('/health/live', { headers: { Host: 'anything' } })).status, 200);
  });

  it('lets pages of configured origins read, and answers their preflights', async () => {
    const answer = await gate.call(DEVICES, { headers: { Origin: PAGE } });
    assert.equal(answer.headers['access-control-allow-origin'], PAGE);
    const headers = { Origin: PAGE, 'Access-Control-Request-Method': 'PATCH' };
    const preflight = await gate.call(`${DEVICES}/${GATEWAY_ID}`, { method: 'OPTIONS', headers });
    assert.equal(preflight.status, 204);
    assert.match(preflight.headers['access-control-allow-methods'] ?? '', /PATCH/);
  });

  it('lets no other page read or change anything', async () => {
    const headers = { Origin: 'http://attacker.example' };
    const read = await gate.call(DEVICES, { headers });
    assert.equal(read.headers['access-control-allow-origin'], undefined);
    await refused(`${DEVICES}/x/pair`, { method: 'POST', headers }, [403, 'forbidden']);
    await refused(DEVICES, { method: 'OPTIONS', headers }, [405, 'methodNotAllowed']);
  });
});
