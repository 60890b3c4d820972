import assert from 'node:assert/strict';
import type { DeviceType } from '../../../src/model/device-type.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { ApiUnderTest, HTTP_TYPE } from './support/api-under-test.ts';

const TYPES = '/device/v1/types';
const COUNT = 5_000;

/** The published document's example, its addition last. */
const DOCUMENTED: DeviceType = {
  addOn: '@instathings/gate-addon-zigbee',
  description: 'Hue white and color ambiance',
  fakeSampleLabel: 'onoff',
  id: '4023br5d-9f88-4f31-97c2-0e682aef543f',
  manufacturer: 'Philips',
  model: '9290012573A',
  pairingMethods: ['touchlink'],
  physicalParameter: [],
  protocols: ['vRy6GTde'],
  rooms: ['closed-office', 'meeting-room', 'toilet', 'archive', 'living-room', 'bedroom', 'kitchen'],
  space: ['workspace', 'home'],
  type: 'sensor',
};

function generated(n: number): DeviceType {
  return {
    ...DOCUMENTED,
    id: `type-${n}`,
    model: `MODEL-${n}`,
    manufacturer: n % 2 === 0 ? 'Philips' : 'Acme',
    description: `generated lamp ${n}`,
  };
}

describe('the types over REST', () => {
  let gate: ApiUnderTest;
  beforeEach(async () => {
    gate = await ApiUnderTest.start({ anonymous: 'read' });
    gate.types.replace('knx', [DOCUMENTED]);
  });
  afterEach(() => gate.stop());

  const list = async (query = '') => (await gate.call<JsonObject[]>(`${TYPES}${query}`)).body;
  const ids = async (query: string) => (await list(query)).map(({ id }) => id);

  it('are shown as documented, key by key in that order', async () => {
    const [, shown] = await list();
    assert.equal(JSON.stringify(shown), JSON.stringify(DOCUMENTED));
    assert.equal(
      JSON.stringify((await gate.call(`${TYPES}/${DOCUMENTED.id}`)).body),
      JSON.stringify(DOCUMENTED),
    );
  });

  it('say what their devices can be told where one is asked for, and not in the list', async () => {
    const settable = { type: 'object', properties: { state: { enum: ['ON', 'OFF'], on: 'ON', off: 'OFF' } } };
    gate.types.replace('acme', [{ ...DOCUMENTED, id: 'told', settable }]);
    const apart = { ...DOCUMENTED, id: 'apart' };
    gate.types.replace('other', {
      load: async () => [apart],
      find: async (typeId) => (typeId === 'apart' ? apart : undefined),
      settable: async (typeId) => (typeId === 'apart' ? settable : undefined),
    });
    for (const id of ['told', 'apart']) {
      const { body } = await gate.call(`${TYPES}/${id}`);
      assert.deepEqual([Object.keys(body).at(-1), body['settable']], ['settable', settable]);
    }
    assert.equal(
      (await list()).some((each) => 'settable' in each),
      false,
    );
    assert.equal(
      (await list('?q=hue')).some((each) => 'settable' in each),
      false,
    );
  });

  it('whose file of what they can be told is damaged say so, and are there without it', async () => {
    gate.types.replace('other', {
      load: async () => [{ ...DOCUMENTED, id: 'apart' }],
      find: async () => ({ ...DOCUMENTED, id: 'apart' }),
      settable: () => Promise.reject(new Error('settable.json is not valid JSON')),
    });
    const { status, body } = await gate.call(`${TYPES}/apart`);
    assert.equal(status, 503);
    assert.match(JSON.stringify(body), /the device types of \\"other\\" cannot be read: settable.json/);
    assert.equal((await gate.call(TYPES)).status, 200);
  });

  it('whose file is damaged are said to be', async () => {
    const damaged = () => Promise.reject(new Error('types.json is not valid JSON'));
    gate.types.replace('other', { load: damaged, find: damaged });
    for (const path of [TYPES, `${TYPES}?q=hue`, `${TYPES}/apart`, '/device/v1/type-names']) {
      const { status, body } = await gate.call(path);
      assert.deepEqual([status, body['hint']], [503, 'reinstall the add-on: its file of types is damaged']);
    }
  });

  it('have every documented key where a manifest leaves it out, and the parameters last', async () => {
    const { body } = await gate.call(`${TYPES}/${HTTP_TYPE}`);
    assert.deepEqual(Object.keys(body), [...Object.keys(DOCUMENTED), 'parameters']);
    assert.deepEqual([body['addOn'], body['fakeSampleLabel']], ['http', '']);
  });

  it('name their protocol by its id', async () => {
    const { body } = await gate.call(`${TYPES}/${HTTP_TYPE}`);
    assert.deepEqual(body['protocols'], ['R2Jh6IhT']);
  });

  it('answer 404 to an unknown id', async () => {
    const { status, body } = await gate.call(`${TYPES}/none`);
    assert.deepEqual([status, body['code']], [404, 'notFound']);
  });

  it('are found by words, manufacturer and protocol, whatever their case', async () => {
    const all = [HTTP_TYPE, DOCUMENTED.id];
    assert.deepEqual(await ids('?q=HUE+philips'), [DOCUMENTED.id]);
    assert.deepEqual(await ids('?q=hue+generic'), []);
    assert.deepEqual(await ids('?q='), all);
    assert.deepEqual(await ids('?manufacturer=generic'), [HTTP_TYPE]);
    assert.deepEqual(await ids('?protocol=knx'), [DOCUMENTED.id]);
    assert.deepEqual(await ids('?protocol=R2Jh6IhT'), [HTTP_TYPE]);
    assert.deepEqual(await ids('?protocol=none'), []);
    assert.deepEqual(await ids('?colour=red'), all);
  });

  it('refuse a malformed query, naming the parameter', async () => {
    for (const name of ['page=0', 'page=x', 'perPage=1001', 'perPage=0', 'perPage=1&perPage=2']) {
      const { status, body } = await gate.call(`${TYPES}?${name}`);
      assert.equal(status, 400, name);
      assert.equal((body['errors'] as JsonObject[])[0]?.['field'], name.split('=')[0]);
    }
  });

  describe('by the thousand', () => {
    beforeEach(() =>
      gate.types.replace(
        'knx',
        Array.from({ length: COUNT }, (_, n) => generated(n)),
      ),
    );

    const fetchTypes = (headers: Record<string, string>, path = TYPES) =>
      fetch(`${gate.url}${path}`, { headers });

    it('come whole without a page, and page by page with one', async () => {
      assert.equal((await list()).length, COUNT + 1);
      assert.equal((await list('?page=2')).length, 100);
      assert.deepEqual(await ids('?protocol=knx&page=3&perPage=2'), ['type-4', 'type-5']);
      assert.equal((await list('?perPage=1000')).length, 1_000);
      assert.deepEqual(await list('?page=999999999&perPage=1000'), []);
      assert.equal((await list('?manufacturer=acme')).length, COUNT / 2);
    });

    it('are compressed as the caller takes them, under a tag of their own', async () => {
      const tags = new Set<string | null>();
      for (const coding of ['gzip', 'br']) {
        const answer = await fetchTypes({ 'Accept-Encoding': coding });
        assert.equal(answer.headers.get('content-encoding'), coding);
        assert.equal(((await answer.json()) as unknown[]).length, COUNT + 1);
        tags.add(answer.headers.get('etag'));
      }
      const plain = await fetchTypes({ 'Accept-Encoding': 'identity' });
      assert.equal(plain.headers.get('content-encoding'), null);
      assert.equal(plain.headers.get('cache-control'), 'no-cache');
      assert.deepEqual(plain.headers.get('vary')?.split(/, */), ['Origin', 'Accept-Encoding']);
      assert.match(plain.headers.get('etag') ?? '', /^"[\w-]{27}"$/);
      tags.add(plain.headers.get('etag'));
      await plain.text();
      assert.equal(tags.size, 3);
      for (const tag of tags) assert.match(tag ?? '', /^"[\w-]{27,}"$/);
    });

    it('cost a caller that has them a 304, until they change', async () => {
      for (const coding of ['gzip', 'identity']) {
        const first = await fetchTypes({ 'Accept-Encoding': coding });
        await first.text();
        const tag = first.headers.get('etag') as string;
        const again = await fetchTypes({ 'Accept-Encoding': coding, 'If-None-Match': `"other", W/${tag}` });
        assert.deepEqual([again.status, await again.text()], [304, '']);
        assert.equal(again.headers.get('etag'), tag);
        assert.equal(again.headers.get('cache-control'), 'no-cache');
        assert.match(again.headers.get('vary') ?? '', /Accept-Encoding/);
        gate.types.replace('knx', [generated(coding.length)]);
        const changed = await fetchTypes({ 'Accept-Encoding': coding, 'If-None-Match': tag });
        assert.equal(changed.status, 200);
        assert.notEqual(changed.headers.get('etag'), tag);
        await changed.text();
      }
    });

    it('leave a single small type as it is', async () => {
      const answer = await fetchTypes({ 'Accept-Encoding': 'gzip' }, `${TYPES}/type-1`);
      assert.equal(answer.headers.get('content-encoding'), null);
      assert.equal(((await answer.json()) as JsonObject)['model'], 'MODEL-1');
    });
  });
});
