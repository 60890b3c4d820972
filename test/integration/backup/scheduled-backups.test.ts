/** The schedule runs the real `gate` command on a real store. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { backupName } from '../../../src/backup/rotation.ts';
import { ScheduledBackups } from '../../../src/backup/scheduled-backups.ts';
import type { GatewayEvents } from '../../../src/core/events.ts';
import { Health } from '../../../src/core/health.ts';
import { EventBus } from '../../../src/lib/event-bus.ts';
import { LogRing } from '../../../src/lib/log-ring.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { openMigrated } from '../../../src/store/migrations.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 3_600_000;

describe('scheduled backups', () => {
  let folder: ReturnType<typeof tempFolder>;
  let backups: ScheduledBackups | undefined;
  let health: Health;
  const into = () => join(folder.path, 'backups');

  beforeEach(async () => {
    folder = tempFolder();
    (await openMigrated(join(folder.path, 'gate.db'))).close();
  });
  afterEach(async () => {
    await backups?.stop();
    folder.remove();
  });

  async function start(target: string): Promise<void> {
    const events = new EventBus<GatewayEvents>(() => {});
    health = new Health({ events, now: Date.now, vital: [] });
    const recipient = await identityToRecipient(await generateX25519Identity());
    backups = new ScheduledBackups({
      schedule: { folder: target, recipient, everyHours: 24, keep: 2, readings: false },
      cliPath: resolve(import.meta.dirname, '../../../src/cli/main.ts'),
      nodePath: process.execPath,
      environment: { PATH: process.env['PATH'], CONFIG_FOLDER: join(folder.path, 'config') },
      dataFolder: folder.path,
      health,
      logger: createLogger('silent', { ring: new LogRing(), name: 'test' }),
      now: Date.now,
      random: () => 0,
      firstDelayMs: 1,
    });
    await backups.start();
  }

  const part = () => health.ready().parts['backup'];

  it('are taken where none is young enough; the oldest go', async () => {
    mkdirSync(into());
    const old = [1, 2, 3].map((days) => Date.now() - days * 24 * HOUR_MS - HOUR_MS);
    for (const at of old) {
      const path = join(into(), backupName(at));
      writeFileSync(path, 'old');
      utimesSync(path, at / 1_000, at / 1_000);
    }
    await start(into());
    await until('the old ones went', () => readdirSync(into()).length === 2, 30_000);
    const newest = readdirSync(into()).sort().at(-1) as string;
    assert.ok(statSync(join(into(), newest)).size > 1_000);
    assert.equal(part()?.state, 'running');
  });

  it('wait for their time where one is young', async () => {
    mkdirSync(into());
    writeFileSync(join(into(), backupName(Date.now())), 'young');
    await start(into());
    assert.equal(part()?.state, 'running');
    // what was not begun cannot be waited for: a stop that had something to end would take the time of it
    await backups?.stop();
    assert.equal(readdirSync(into()).length, 1);
  });

  it('that fail are said with the reason, and the store is left alone', async () => {
    rmSync(join(folder.path, 'gate.db'));
    await start(into());
    await until('it is said', () => part()?.state === 'degraded', 30_000);
    assert.match(String(part()?.reason), /^the last backup failed: gate: .*gate\.db/);
    assert.deepEqual(readdirSync(into()), []);
    assert.equal(existsSync(join(folder.path, 'gate.db')), false);
  });
}).timeout(60_000);
