/** The published API document, "Errors": each printed status, provoked as a caller would, in one form. */
import assert from 'node:assert/strict';
import { assertShape } from '../../support/shape.ts';
import { House } from './support/house.ts';

const DEVICE = 'http://yourProjectName.instathings.io/device/v1/devices/:deviceId';
const AUTHORIZATION = `-H "Authorization: Bearer abc.def.ghi"`;
/** The document has no JSON for errors; this is the form that docs/contracts.md gives them. */
const ERROR = { message: 'what happened', code: 'notFound' };

describe('the API document, "Errors"', () => {
  let house: House;
  before(async () => {
    // one request a second for long, twenty at once: what follows runs into it at the end
    house = await House.open({ RATE_LIMIT_ANONYMOUS: '1' });
  });
  after(() => house?.close());

  const provoked: [status: number, what: string, command: () => Promise<string> | string][] = [
    [400, 'a malformed request', () => `curl "${DEVICE}/data?perPage=101" ${AUTHORIZATION}`],
    [
      400,
      'a body that is no JSON',
      () => `curl -XPATCH -H "Content-type: application/json" -d '{' "${DEVICE}" ${AUTHORIZATION}`,
    ],
    [401, 'a token that is wrong', () => `curl "${DEVICE}" -H "Authorization: Bearer a.b.c"`],
    [403, 'what nobody may do', () => `curl -XDELETE "${DEVICE}" ${AUTHORIZATION}`],
    [
      404,
      'a device that is not there',
      () => `curl "http://yourProjectName.instathings.io/device/v1/devices/nobody" ${AUTHORIZATION}`,
    ],
    [
      404,
      'a path that is not there',
      () => `curl "http://yourProjectName.instathings.io/device/v1/nothing" ${AUTHORIZATION}`,
    ],
    [405, 'a method that the path does not know', () => `curl -XPUT "${DEVICE}" ${AUTHORIZATION}`],
    [406, 'a form that is not JSON', () => `curl -H "Accept: text/html" "${DEVICE}" ${AUTHORIZATION}`],
    [
      503,
      'a device that is away',
      async () => {
        const id = await house.addPlug(60);
        await house.plug.stop();
        const headers = `-H "instathings-path: /relay/0" -H "instathings-method: GET"`;
        return `curl -XPOST ${headers} "http://yourProjectName.instathings.io/device/v1/control/${id}/set?turn=on" ${AUTHORIZATION}`;
      },
    ],
  ];
  for (const [status, what, command] of provoked) {
    it(`${status}: ${what}`, async () => {
      const answer = await house.curl(await command(), { ':deviceId': await house.gatewayId() });
      assert.equal(answer.status, status);
      assertShape(ERROR, answer.body);
      if (status === 401) assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      if (status === 405) assert.match(answer.headers.get('allow') ?? '', /GET/);
      if (status === 503) assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
    });
  }

  it('404: what the cloud alone has, as a certificate for a device', async () => {
    const { status, body } = await house.curl(
      `curl "http://yourProjectName.instathings.io/devices/:deviceId/credentials/certificate"\n  ${AUTHORIZATION}`,
      { ':deviceId': await house.gatewayId() },
    );
    assert.equal(status, 404);
    assertShape(ERROR, body);
  });

  it('429: too many requests', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => fetch(`${house.daemon.url}/device/v1/devices`)),
    );
    const refused = answers.find(({ status }) => status === 429);
    assert.ok(refused, 'none was refused');
    assert.ok(Number(refused.headers.get('retry-after')) >= 1);
    assertShape(ERROR, await refused.json());
  });
});
