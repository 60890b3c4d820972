import assert from 'node:assert/strict';
import { DeadlineError } from '../../../../src/lib/deadline.ts';
import { engineError, isEngineGone, mayPass } from '../../../../src/supervisor/containers/engine-error.ts';
import { engineTime, LogFrames, nanoseconds } from '../../../../src/supervisor/containers/log-frames.ts';
import { PullProgress } from '../../../../src/supervisor/containers/pull-progress.ts';

describe('what an engine refuses', () => {
  const refused = (statusCode: number, message: string) =>
    engineError('starting it', {
      statusCode,
      message: `(HTTP code ${statusCode}) server error - ${message} `,
    });

  for (const [status, message, code] of [
    [404, 'manifest for a/b:1 not found: manifest unknown: manifest unknown', 'imageNotFound'],
    [
      404,
      "pull access denied for a/b, repository does not exist or may require 'docker login'",
      'imageNotFound',
    ],
    [
      500,
      'Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused',
      'registryUnreachable',
    ],
    [
      500,
      'Get "https://registry-1.docker.io/v2/": net/http: request canceled (Client.Timeout)',
      'registryUnreachable',
    ],
    [500, 'write /var/lib/docker/tmp/x: no space left on device', 'diskFull'],
    [500, 'driver failed: Bind for 0.0.0.0:1880 failed: port is already allocated', 'portTaken'],
    [409, 'Conflict. The container name "/gate-x" is already in use by container "1"', 'nameTaken'],
    [
      500,
      'error gathering device information while adding custom device "/dev/ttyUSB0": no such file or directory',
      'deviceMissing',
    ],
    [500, 'something new', 'engineRefused'],
  ] as const) {
    it(`has a name: ${code} (${message.slice(0, 40)}…)`, () => {
      const error = refused(status, message);
      assert.equal(error.reasonCode, code);
      assert.ok(error.message.includes(message), error.message);
      assert.equal(mayPass(error), code === 'registryUnreachable');
      assert.equal(isEngineGone(error), false);
    });
  }

  it('is told apart from an engine that is not there', () => {
    const gone = Object.assign(new Error('connect ENOENT /var/run/docker.sock'), { code: 'ENOENT' });
    assert.equal(isEngineGone(engineError('x', gone)), true);
    assert.equal(isEngineGone(engineError('x', new DeadlineError('x', 1))), true);
    assert.equal(isEngineGone(engineError('x', new Error('socket hang up'))), true);
  });
});

describe('the progress of an image', () => {
  it('is the sum of its layers', () => {
    const progress = new PullProgress();
    for (const record of [
      { id: '1', status: 'Pulling from gate/x' },
      { id: 'aa', status: 'Pulling fs layer', progressDetail: {} },
      { id: 'bb', status: 'Already exists', progressDetail: {} },
      { id: 'aa', status: 'Downloading', progressDetail: { current: 10, total: 100 } },
    ])
      progress.take(JSON.stringify(record));
    assert.deepEqual(progress.now(), { layers: 2, layersDone: 1, bytes: 10, totalBytes: 100 });
    progress.take('no JSON');
    progress.take(JSON.stringify({ id: 'aa', status: 'Pull complete' }));
    progress.take(JSON.stringify({ status: 'Digest: sha256:00' }));
    assert.deepEqual(progress.now(), { layers: 2, layersDone: 2, bytes: 100, totalBytes: 100 });
    assert.deepEqual(progress.said, ['1: Pulling from gate/x', 'Digest: sha256:00']);
    assert.equal(progress.failure, undefined);
  });

  it('is whole at its end, although Podman does not say it of each layer', () => {
    const progress = new PullProgress();
    progress.take(
      JSON.stringify({ id: 'aa', status: 'Downloading', progressDetail: { current: 1, total: 9 } }),
    );
    progress.finish();
    assert.deepEqual(progress.now(), { layers: 1, layersDone: 1, bytes: 9, totalBytes: 9 });
  });

  it('has failed when a record says so, whatever the answer was', () => {
    const progress = new PullProgress();
    progress.take(JSON.stringify({ error: 'short', errorDetail: { message: 'manifest unknown' } }));
    assert.equal(progress.failure, 'manifest unknown');
  });
});

describe('an engine’s log', () => {
  const frame = (type: number, text: string) => {
    const head = Buffer.alloc(8);
    head[0] = type;
    head.writeUInt32BE(Buffer.byteLength(text), 4);
    return Buffer.concat([head, Buffer.from(text)]);
  };
  const AT = '2026-11-22T04:05:36.786922530Z';

  it('is read whole however it is cut, both streams told apart', () => {
    const whole = Buffer.concat([
      frame(1, `${AT} grüß`),
      frame(2, `${AT} trouble\n`),
      frame(1, ` dich\n${AT} \n${AT} last`),
    ]);
    const expected = [
      { type: 'ERR', at: AT, text: 'trouble' },
      { type: 'LOG', at: AT, text: 'grüß dich' },
      { type: 'LOG', at: AT, text: 'last' },
    ];
    for (let size = 1; size <= whole.length; size += 1) {
      const frames = new LogFrames(1_000);
      const lines = [];
      for (let at = 0; at < whole.length; at += size)
        lines.push(...frames.push(whole.subarray(at, at + size)));
      lines.push(...frames.end());
      assert.deepEqual(lines, expected, `in pieces of ${size}`);
    }
  });

  it('has times to the nanosecond, which the engine takes back', () => {
    assert.equal(engineTime(nanoseconds(AT) ?? 0n), '1795320336.786922530');
    assert.equal(nanoseconds('2026-11-22T04:05:36.5Z'), 1_795_320_336_500_000_000n);
    assert.equal(nanoseconds('2026-11-22T05:05:36+01:00'), 1_795_320_336_000_000_000n);
    assert.equal(nanoseconds('yesterday'), undefined);
  });
});
