import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SLOT_LIFETIME_MS, TunnelNote } from '../../../addons/knx/src/link/tunnel-note.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const SERVER = '192.0.2.5:3671';

describe('the note of a KNX tunnel', () => {
  let folder: ReturnType<typeof tempFolder>;
  let path: string;
  beforeEach(() => {
    folder = tempFolder();
    path = join(folder.path, 'tunnel.json');
  });
  afterEach(() => folder.remove());

  const changed = (change: object) => {
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
    return new TunnelNote(path).left(SERVER);
  };

  it('tells the next process what to give back, for as long as the server keeps it', () => {
    const note = new TunnelNote(path);
    assert.equal(note.left(SERVER), undefined);
    note.write({ server: SERVER, channelId: 7 });
    const left = new TunnelNote(path).left(SERVER);
    assert.equal(left?.channelId, 7);
    assert.ok(left.forMs > 0 && left.forMs <= SLOT_LIFETIME_MS + 1_000);
    note.clear();
    assert.equal(existsSync(path), false);
    assert.equal(new TunnelNote(path).left(SERVER), undefined);
  });

  it('tells nothing that may be of another: an older one, another server, another run of the machine', () => {
    const note = new TunnelNote(path);
    note.write({ server: SERVER, channelId: 7 });
    assert.equal(note.left('192.0.2.6:3671'), undefined);
    const { aliveAtMs } = JSON.parse(readFileSync(path, 'utf8')) as { aliveAtMs: number };
    assert.equal(changed({ aliveAtMs: aliveAtMs - SLOT_LIFETIME_MS - 1_000 }), undefined);
    assert.equal(changed({ aliveAtMs })?.channelId, 7);
    assert.equal(changed({ bootId: 'another' }), undefined);
  });

  it('is no trouble when it is broken or cannot be written', () => {
    writeFileSync(path, '{"server":');
    assert.equal(new TunnelNote(path).left(SERVER), undefined);
    const nowhere = new TunnelNote(join(folder.path, 'none', 'tunnel.json'));
    nowhere.write({ server: SERVER, channelId: 1 });
    nowhere.clear();
    assert.equal(nowhere.left(SERVER), undefined);
  });
});
