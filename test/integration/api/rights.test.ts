/**
 * Who may do what: the table of docs/contracts.md, each of its rows called by everybody there is, under each
 * ON_PREMISE_ANONYMOUS; then the same for socket.io.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AnonymousAccess } from '../../../src/api/settings.ts';
import { SCOPES, type Scope } from '../../../src/model/client.ts';
import { ApiUnderTest } from './support/api-under-test.ts';
import { connectClient, GENERATIONS } from './support/realtime-clients.ts';

const CONTRACTS = readFileSync(resolve(import.meta.dirname, '../../../docs/contracts.md'), 'utf8');
/** Where what is called for decides, the least right is named first. */
const ROW = /^\| ([A-Z, ]+) (`\/[^|]*) \| ([RCAM–])(?:, [CAM])* \| /gm;

type Letter = 'R' | 'C' | 'A' | 'M' | '–';
interface Call {
  method: string;
  path: string;
  letter: Letter;
}

const CALLS: Call[] = [...CONTRACTS.matchAll(ROW)].flatMap(([, methods = '', paths = '', letter]) =>
  [...paths.matchAll(/`([^`]+)`/g)].flatMap(([, path = '']) =>
    methods.split(', ').map((method) => ({ method, path, letter: letter as Letter })),
  ),
);
/** Answers everybody, and tells more to who may read. */
const READY = '/health/ready';

const ANONYMOUS: Record<AnonymousAccess, string> = { none: '–', read: '–R', all: '–RCA' };
const HELD: Record<Scope, string> = { read: '–R', control: '–RC', admin: '–RCAM' };
const SCOPE_OF: Record<Letter, string> = { '–': '', R: 'read', C: 'control', A: 'admin', M: 'admin' };

describe('who may do what', () => {
  let gate: ApiUnderTest;
  afterEach(() => gate.stop());

  it('is a table that has every method of its paths', async () => {
    gate = await ApiUnderTest.start();
    assert.ok(CALLS.length >= 31, `only ${CALLS.length} calls were found in the table`);
    for (const path of new Set(CALLS.map((call) => call.path))) {
      const { status, headers } = await gate.call(pathOf(path), { method: 'TRACE' });
      assert.equal(status, 405, path);
      const known = new Set((headers.allow ?? '').split(', ').filter((method) => method !== 'HEAD'));
      const listed = CALLS.filter((call) => call.path === path).map(({ method }) => method);
      assert.deepEqual(new Set(listed), known, path);
    }
  });

  for (const [anonymous, letters] of Object.entries(ANONYMOUS) as [AnonymousAccess, string][]) {
    it(`anonymous callers may do ${letters} under ${anonymous}, and are told what to do for more`, async () => {
      gate = await ApiUnderTest.start({ anonymous });
      for (const call of CALLS) {
        const { status, body, headers } = await asked(call);
        const may = letters.includes(call.letter) || call.path === READY;
        assert.equal(may, status !== 401 && status !== 403, `${call.method} ${call.path}: ${status}`);
        if (may) continue;
        assert.deepEqual([status, body['code']], [401, 'unauthorized']);
        assert.match(`${body['message']} ${body['hint']}`, /ON_PREMISE_ANONYMOUS.*gate\.sock/);
        assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
      }
      const ready = await gate.call(READY);
      assert.deepEqual(Object.keys(ready.body), letters.includes('R') ? ['status', 'parts'] : ['status']);
    });

    for (const scope of SCOPES) {
      it(`a token of scope ${scope} may do ${HELD[scope]} under ${anonymous}`, async () => {
        gate = await ApiUnderTest.start({ anonymous });
        const { headers } = await gate.clientOf(scope);
        for (const call of CALLS) {
          const { status, body } = await asked(call, headers);
          const may = HELD[scope].includes(call.letter);
          assert.equal(may, status !== 401 && status !== 403, `${call.method} ${call.path}: ${status}`);
          if (may) continue;
          assert.deepEqual([status, body['code']], [403, 'forbidden']);
          assert.match(String(body['message']), new RegExp(`scope "${SCOPE_OF[call.letter]}"`));
        }
        const ready = await gate.call(READY, { headers });
        assert.deepEqual(Object.keys(ready.body), ['status', 'parts']);
      });
    }

    it(`who comes through the socket may do everything under ${anonymous}`, async () => {
      gate = await ApiUnderTest.start({ anonymous });
      for (const { method, path } of CALLS) {
        const { status } = await gate.callLocally(pathOf(path), { method });
        assert.equal([401, 403].includes(status), false, `${method} ${path}: ${status}`);
      }
    });

    it(`socket.io tells events to who may read, and logs to who may administer, under ${anonymous}`, async () => {
      gate = await ApiUnderTest.start({ anonymous });
      const callers: [string, string, string | undefined][] = [['nobody', letters, undefined]];
      for (const scope of SCOPES) callers.push([scope, HELD[scope], (await gate.clientOf(scope)).token]);
      for (const generation of GENERATIONS) {
        for (const [name, may, token] of callers) {
          const who = `${name}, ${generation}`;
          assert.equal(await connects(generation, { token }), may.includes('R'), who);
          assert.equal(
            await connects(generation, { token, events: 'log' }),
            may.includes('A'),
            `${who}: log`,
          );
        }
      }
    });
  }

  function asked({ method, path }: Call, headers: Record<string, string> = {}) {
    return gate.call(pathOf(path), { method, headers });
  }

  async function connects(
    generation: (typeof GENERATIONS)[number],
    { token, events }: { token: string | undefined; events?: string },
  ): Promise<boolean> {
    const query = {
      ...(token === undefined ? {} : { access_token: token }),
      ...(events === undefined ? {} : { events }),
    };
    try {
      (await connectClient(gate, generation, [], { query })).close();
      return true;
    } catch {
      return false;
    }
  }
});

/** What is asked for need not exist: rights are looked at first. */
function pathOf(template: string): string {
  return template.replaceAll(/:\w+/g, 'x');
}
