/**
 * The archive on a fresh Debian with its own systemd: installed, restarted, updated, sent back, removed. One machine's
 * life, in order.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { signingKey } from '../../../scripts/package/signing.ts';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { TestBrowser } from '../../support/browser.ts';
import { ContainerEngine, reasonForNoEngine } from '../../support/container-engine.ts';
import { DebianMachine, reasonForNoMachine } from '../../support/debian-machine.ts';
import { PortInMachine } from '../../support/port-in-machine.ts';
import {
  makeKey,
  packageRelease,
  RUINS_THE_STORE,
  replaceFile,
  unpackRelease,
  type Variant,
  variantOf,
} from '../../support/release-maker.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { logIn } from '../dashboard/dashboard-house.ts';

/** One that never gets ready. */
const HANGS = 'setInterval(() => {}, 60_000);\n';
const UPDATE_MS = 60_000;
/** The daemon is asked on its socket, the path follows; curl is no part of a fresh Debian. */
const GET = `/opt/gate/current/bin/node -e "require('http').get({socketPath:'/var/lib/gate/gate.sock',path:process.argv[1]},a=>a.pipe(process.stdout))" `;

describe('gate on a machine of its own', function () {
  this.timeout(600_000);
  let folder: ReturnType<typeof tempFolder>;
  let machine: DebianMachine;
  let archive: string;
  let release: string;
  let keyFile: string;
  let clients: string;

  /** As the machine sees it. */
  const inside = (path: string) => path.slice(machine.root.length);

  function variant(version: string, more: Partial<Variant> = {}): Promise<string> {
    return variantOf(release, join(machine.root, 'root', `made-${version}`), { version, keyFile, ...more });
  }

  const runs = async () => {
    const link = await machine.demand('readlink /opt/gate/current');
    // the end of an update that went back is told when the old release is started, not when it is up
    await until(
      'gate is up',
      async () => (await machine.run('systemctl is-active --quiet gate')).status === 0,
    );
    return basename(link);
  };

  const notifications = async (): Promise<{ subject: string; message: string }[]> => {
    const answer = await machine.demand(`${GET}/history/notifications/history`);
    return JSON.parse(answer).notifications;
  };

  const notified = (pattern: RegExp) =>
    until('it is a notification', async () =>
      (await notifications()).some(({ message }) => pattern.test(message)),
    );

  before(async function () {
    const reason = reasonForNoMachine();
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      return this.skip();
    }
    this.timeout(900_000);
    folder = tempFolder();
    keyFile = makeKey(join(folder.path, 'key.pem'));
    machine = DebianMachine.unpack(folder.path);
    archive = packageRelease(join(machine.root, 'root/release'), { keyFile });
    release = unpackRelease(archive, join(machine.root, 'root'));
    return undefined;
  });

  after(async () => {
    await machine?.remove();
    folder?.remove();
  });

  it('says everything that is wrong at once, and changes nothing', () => {
    const { status, stderr } = machine.runSwitchedOff(
      `echo PORT=http > /tmp/.env; /root/${basename(release)}/install.sh --upgrade --credentials /tmp`,
    );
    assert.equal(status, 1);
    assert.match(stderr, /no running systemd.*--no-start/);
    assert.match(stderr, /PORT is "http", not a port/);
    assert.match(stderr, /no gate here to upgrade/);
    assert.ok(!existsSync(join(machine.root, 'opt/gate')));
  });

  it('says how it is used, and refuses what it does not know', () => {
    const help = machine.runSwitchedOff(`/root/${basename(release)}/install.sh --help`);
    assert.equal(help.status, 0);
    for (const option of [
      'credentials',
      'upgrade',
      'key',
      'docker',
      'prefix',
      'no-start',
      'uninstall',
      'purge',
    ])
      assert.match(help.stdout, new RegExp(`^ {2}--${option} `, 'm'));
    const wrong = machine.runSwitchedOff(`/root/${basename(release)}/install.sh --instal`);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /^install\.sh: there is no --instal \(--help shows what there is\)$/m);
  });

  it('refuses files that are not those of the release', () => {
    const extra = join(release, 'app/src/more.js');
    writeFileSync(extra, '');
    const { status, stderr } = machine.runSwitchedOff(
      `/root/${basename(release)}/install.sh --no-start; e=$?; rm ${inside(extra)}; exit $e`,
    );
    assert.equal(status, 1);
    assert.match(stderr, /not those of the release/);
  });

  it('installs, starts and says where it answers', async () => {
    await machine.start();
    const credentials = join(machine.root, 'root/credentials');
    mkdirSync(credentials);
    writeFileSync(join(credentials, '.env'), 'PROJECT_ID=house\nPORT=8080\n', { mode: 0o644 });
    writeFileSync(join(credentials, 'certificate.pem'), '', { mode: 0o644 });
    const said = await machine.demand(`/root/${basename(release)}/install.sh /root/credentials`);
    assert.match(said, /gate \S+ is up: http:\/\/\S+:8080/);
    assert.match(said, /first client: \w+, scope admin/);
    const secret = JSON.parse(await machine.demand('cat /var/lib/gate/first-client.json')).clientSecret;
    assert.ok(!said.includes(secret), 'the secret stands in its file alone');
    clients = await machine.demand('gate clients list --json');
    assert.equal(JSON.parse(clients).length, 1);
  });

  it('keeps secrets to its user, and runs with as little as it needs', async () => {
    const modes = await machine.demand(
      'stat -c "%a %U %G" /etc/gate /etc/gate/.env /etc/gate/certificate.pem /var/lib/gate /opt/gate/current/bin/node',
    );
    assert.deepEqual(modes.split('\n'), [
      '750 gate gate',
      '640 root gate',
      '640 root gate',
      '700 gate gate',
      '755 root root',
    ]);
    const id = await machine.demand('systemctl show gate.service --property=MainPID --value');
    const status = await machine.demand(`cat /proc/${id}/status`);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    assert.match(status, /^CapEff:\t0+$/m);
    assert.match(status, /^Seccomp:\t2$/m);
    // one port for all, and the broker for this machine alone
    const listening = await machine.demand(
      `cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == "0A" { print $2 }' | sort`,
    );
    assert.deepEqual(listening.split('\n'), ['00000000:1F90', '0100007F:075B']);
    // where the cloud's renewed certificate is put; the settings are root's
    await machine.demand(
      `nsenter -t ${id} -m setpriv --reuid gate --regid gate --clear-groups mkdir /etc/gate/.rotation`,
    );
    await machine.demand('rmdir /etc/gate/.rotation');
    const denied = await machine.run(`nsenter -t ${id} -m touch /opt/gate/releases/x`);
    assert.match(denied.stderr, /Read-only file system/);
    assert.equal(await machine.demand('systemd-analyze verify /etc/systemd/system/gate*.service 2>&1'), '');
    // in tenths: what docs/guides/hardening.md says of them
    await machine.demand('systemd-analyze security --no-pager --threshold=17 gate.service');
    await machine.demand('systemd-analyze security --no-pager --threshold=35 gate-update.service');
  });

  it('tells the journal how urgent a line is', async () => {
    const lines = (priority: string) =>
      machine.demand(`journalctl --unit=gate --output=cat --priority=${priority} --no-pager || true`);
    assert.match(await lines('info'), /^\{"level":"info".*gate is up/m);
    assert.doesNotMatch(await lines('warning'), /"level":"(info|debug)"/);
    await machine.demand(
      'mkdir -p /run/systemd/system/gate.service.d && echo "[Service]\nEnvironment=PORT=none" > /run/systemd/system/gate.service.d/port.conf && systemctl daemon-reload',
    );
    assert.notEqual((await machine.run('systemctl restart gate')).status, 0);
    assert.match(await lines('err'), /^gate: PORT is "none"/m);
    await machine.demand(
      'rm -r /run/systemd/system/gate.service.d && systemctl daemon-reload && systemctl restart gate',
    );
  });

  it('may be installed again, which changes nothing', async () => {
    assert.match(await machine.demand(`/root/${basename(release)}/install.sh`), /is up/);
    assert.equal(await machine.demand('gate clients list --json'), clients);
    assert.match(await machine.demand('cat /etc/gate/.env'), /PORT=8080/);
  });

  it("is put right by the same release where files of it are damaged, missing or not root's alone", async () => {
    const release0 = `/root/${basename(release)}`;
    const version = await runs();
    const verified = () =>
      machine.demand(
        `${release0}/bin/node ${release0}/app/src/updater/main.js verify /opt/gate/current ${release0}/release-keys`,
      );
    const doctor = async () => {
      const findings = JSON.parse((await machine.run('gate doctor --json')).stdout);
      const found = findings.filter(({ what }: { what: string }) =>
        /files (of gate|in)|updates? can|carry out/.test(what),
      );
      return found.map(({ state, next }: { state: string; next?: string }) => [state, next]);
    };
    assert.deepEqual(await doctor(), [
      ['ok', undefined],
      ['ok', undefined],
    ]);
    const mended = async (damage: string) => {
      const id = await machine.demand('systemctl show gate.service --property=MainPID --value');
      await machine.demand(`cd /opt/gate/current && ${damage}`);
      const said = await machine.demand(`${release0}/install.sh`);
      assert.match(said, /are damaged: they are put in place anew/, damage);
      assert.match(said, /is up/);
      assert.equal(await verified(), version);
      assert.equal(await machine.demand('gate clients list --json'), clients);
      const now = await machine.demand('systemctl show gate.service --property=MainPID --value');
      assert.notEqual(now, id, 'what was damaged runs no more');
    };
    await machine.demand('echo more > /opt/gate/current/app/src/more.js && systemctl stop gate-update.path');
    assert.deepEqual(await doctor(), [
      ['problem', 'run install.sh of the same release again: it puts them right'],
      ['problem', 'systemctl enable --now gate-update.path'],
    ]);
    // as many files as there should be, but not those
    await mended('rm app/addons/http/addon.json');
    assert.deepEqual(await doctor(), [
      ['ok', undefined],
      ['ok', undefined],
    ]);
    await mended(
      'cp bin/node /tmp/node && rm bin/node && head -c 1000 /tmp/node > bin/node && chmod 755 bin/node',
    );
    await mended('chmod 666 app/src/main.js');
    await mended('rm bin/gate && ln -s /bin/true bin/gate');
    await mended('rm manifest.json');
    assert.ok(!(await machine.demand(`${release0}/install.sh`)).includes('damaged'));
    assert.equal(await machine.demand('ls -A /opt/gate/releases'), version);
    // a unit that somebody has changed comes into force again
    await machine.demand(
      'sed -i s/NoNewPrivileges=yes// /etc/systemd/system/gate.service && systemctl daemon-reload && systemctl restart gate',
    );
    await machine.demand(`${release0}/install.sh`);
    const id = await machine.demand('systemctl show gate.service --property=MainPID --value');
    assert.match(await machine.demand(`cat /proc/${id}/status`), /^NoNewPrivs:\t1$/m);
  });

  it('uses Docker when it is told to, and no more when that is taken back', async () => {
    const install = `/root/${basename(release)}/install.sh`;
    const refused = await machine.run(`${install} --docker`);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /there is no group docker: install Docker first/);
    await machine.demand('groupadd --system docker');
    const group = Number((await machine.demand('getent group docker')).split(':')[2]);
    const groups = async () => {
      const id = await machine.demand('systemctl show gate.service --property=MainPID --value');
      return (/^Groups:\t(.*)$/m.exec(await machine.demand(`cat /proc/${id}/status`))?.[1] ?? '')
        .trim()
        .split(' ');
    };
    assert.ok(!(await groups()).includes(String(group)));
    const engine = reasonForNoEngine() === undefined ? ContainerEngine.prepared() : undefined;
    try {
      const socket = `${machine.root}/srv/docker.sock`;
      await engine?.startEngine(['--host', `unix://${socket}`, '--group', String(group)]);
      if (engine) await machine.demand('echo DOCKER_HOST=unix:///srv/docker.sock >> /etc/gate/.env');
      const said = await machine.demand(`${install} --docker`);
      assert.match(said, /gate may use Docker from now on, which makes it as mighty as root/);
      assert.ok((await groups()).includes(String(group)));
      const containers = async () =>
        JSON.parse(await machine.demand('gate status --json')).parts.containers?.reason ?? '';
      if (engine) await until('gate has found the engine', async () => /Docker \d/.test(await containers()));
      // it holds, also where it is not said again
      assert.doesNotMatch(await machine.demand(install), /Docker/);
      assert.ok((await groups()).includes(String(group)));
      await machine.demand(`${install} --no-docker`);
      assert.ok(!(await groups()).includes(String(group)));
      assert.ok(!existsSync(join(machine.root, 'etc/systemd/system/gate.service.d')));
    } finally {
      await engine?.stop();
      await machine.demand('sed -i /DOCKER_HOST/d /etc/gate/.env; groupdel docker; systemctl restart gate');
    }
  });

  it('is there again after a restart of the machine, and after a power cut', async () => {
    await machine.stop();
    await machine.start();
    assert.equal(await machine.demand('gate clients list --json'), clients);
    await machine.cutPower();
    await machine.start();
    assert.equal(await machine.demand('gate clients list --json'), clients);
  });

  it('is ended and started again by systemd when it hangs, and only then', async () => {
    await machine.demand('mkdir -p /run/systemd/system/gate.service.d');
    writeFileSync(join(machine.root, 'root/watch.conf'), '[Service]\nWatchdogSec=3\n');
    await machine.demand(
      'cp /root/watch.conf /run/systemd/system/gate.service.d/ && systemctl daemon-reload && systemctl restart gate',
    );
    const look = async () => {
      const text = await machine.demand('systemctl show gate.service --property=MainPID,NRestarts');
      return { id: /MainPID=(\d+)/.exec(text)?.[1], restarts: Number(/NRestarts=(\d+)/.exec(text)?.[1]) };
    };
    const { id } = await look();
    // several times as long as systemd waits for a sign of life
    await machine.demand('sleep 10');
    assert.deepEqual(await look(), { id, restarts: 0 });
    await machine.demand(`kill -STOP ${id}`);
    await until('it was started again', async () => (await look()).restarts > 0);
    await machine.demand('rm -r /run/systemd/system/gate.service.d && systemctl daemon-reload');
    await machine.demand('systemctl restart gate');
    assert.equal(await machine.demand('gate clients list --json'), clients);
  });

  it('is updated in a browser, by the files of a release, step by step', async function () {
    const missing = reasonToSkip('chromium', 'socat');
    if (missing !== undefined) {
      if (this.test) this.test.title += ` (${missing})`;
      return this.skip();
    }
    const path = await variant('6.0.0');
    const client = JSON.parse(await machine.demand('gate clients add --name browser --scopes admin --json'));
    const port = await PortInMachine.openHere(machine, { folder: folder.path, port: 8080 });
    const browser = await TestBrowser.startApart();
    try {
      const { page, story } = await browser.open(`http://127.0.0.1:${port.port}/#/maintenance`);
      await logIn(page, client);
      const card = page.getByTestId('update');
      await page.getByTestId('release-files').setInputFiles([path, `${path}.sha256`]);
      await card.getByText('The file that ends with .tar.gz.sig is missing').waitFor();
      // what stood there for a moment alone counts too
      await page.evaluate(`
        window.seen = new Set();
        new MutationObserver(() => {
          const shown = document.querySelector('[data-testid=update] .progress');
          if (shown) seen.add(shown.textContent.trim());
        }).observe(document.body, { subtree: true, childList: true, characterData: true })`);
      await page.getByTestId('release-files').setInputFiles([path, `${path}.sha256`, `${path}.sig`]);
      await card
        .getByTestId('last-update')
        .getByText('6.0.0 took the place of')
        .waitFor({ timeout: UPDATE_MS });
      const seen = await page.evaluate<string[]>('[...seen]');
      const said = (words: RegExp) =>
        assert.ok(
          seen.some((text) => words.test(text)),
          `${words}: ${seen.join('\n')}`,
        );
      said(/Sending.*MB of /);
      said(/Starting the new release, and watching it/);
      assert.equal(await page.getByTestId('version').textContent(), 'gate 6.0.0');
      assert.equal(await runs(), '6.0.0');
      assert.deepEqual(story.complaints, []);
    } finally {
      await browser.stop();
      await port.close();
      await machine.demand(`gate clients revoke ${client.clientId}`);
    }
    await notified(/gate was updated to 6\.0\.0/);
    return undefined;
  });

  it('is updated, with everything it holds', async () => {
    const path = inside(await variant('7.0.0'));
    const { status, stdout, stderr } = await machine.run(`gate update ${path}`);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /gate 7\.0\.0 runs, in place of/);
    // the steps before are over too soon to be always seen
    assert.match(stderr, /starting the new release, and watching it/);
    assert.equal(await runs(), '7.0.0');
    assert.equal(await machine.demand('gate clients list --json'), clients);
    await notified(/gate was updated to 7\.0\.0/);
  });

  it('refuses an archive that is damaged, of another maker, or older, and runs on', async () => {
    const id = await machine.demand('systemctl show gate.service --property=MainPID --value');
    const whole = await variant('9.1.0');
    const bytes = readFileSync(whole);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    const broken = `${whole.slice(0, -'.tar.gz'.length)}-broken.tar.gz`;
    writeFileSync(broken, bytes);
    for (const suffix of ['.sha256', '.sig']) copyFileSync(whole + suffix, broken + suffix);
    const damaged = await machine.run(`gate update ${inside(broken)}`);
    assert.equal(damaged.status, 1);
    assert.match(damaged.stderr, /is damaged/);

    const signature = readFileSync(`${whole}.sig`);
    const stranger = signingKey(folder.path, makeKey(join(folder.path, 'stranger.pem')));
    writeFileSync(`${whole}.sig`, stranger.sign(readFileSync(`${whole}.sha256`)));
    const foreign = await machine.run(`gate update ${inside(whole)}`);
    writeFileSync(`${whole}.sig`, signature);
    assert.equal(foreign.status, 1);
    assert.match(foreign.stderr, /not signed by a key that this gateway trusts/);

    const older = await machine.run(`gate update ${inside(archive)}`);
    assert.equal(older.status, 1);
    assert.match(older.stderr, /is older than 7\.0\.0/);
    assert.equal(await runs(), '7.0.0');
    assert.equal(await machine.demand('systemctl show gate.service --property=MainPID --value'), id);
    await notified(/could not be updated .*older than/);
  });

  it('goes back by itself from a release that does not come up, with its store as it was', async () => {
    const ruined = await variant('8.0.0', {
      store: 99,
      change: (tree) => replaceFile(join(tree, 'app/src/main.js'), RUINS_THE_STORE),
    });
    const { status, stderr } = await machine.run(`gate update ${inside(ruined)}`);
    assert.equal(status, 1);
    assert.match(stderr, /gate stays 7\.0\.0: it ended by itself/);
    assert.equal(await runs(), '7.0.0');
    assert.equal(await machine.demand('gate clients list --json'), clients);
    assert.ok(existsSync(join(machine.root, 'var/lib/gate/update/set-aside/gate.db')));
    assert.ok(!existsSync(join(machine.root, 'opt/gate/releases/8.0.0')));
    await notified(/could not be updated to 8\.0\.0: it ended by itself/);
  });

  it('goes back when the power is cut, or the updater killed, while a new release is tried', async () => {
    const path = inside(
      await variant('9.0.0', { change: (tree) => replaceFile(join(tree, 'app/src/main.js'), HANGS) }),
    );
    const tried = () =>
      until(
        'it is tried',
        async () => (await machine.demand('cat /opt/gate/update/state.json')).includes('trying'),
        UPDATE_MS,
      );
    const first = machine.run(`gate update ${path}`);
    await tried();
    await machine.demand('systemctl kill --signal=KILL gate-update.service');
    const { stderr } = await first;
    assert.match(stderr, /gate stays 7\.0\.0: it was interrupted while it was trying/);
    assert.equal(await runs(), '7.0.0');

    const second = machine.run(`gate update ${path}`);
    await tried();
    await machine.cutPower();
    await second;
    await machine.start();
    assert.equal(await runs(), '7.0.0');
    assert.equal(await machine.demand('gate clients list --json'), clients);
    assert.match(
      await machine.demand('gate update'),
      /9\.0\.0 did not take the place of 7\.0\.0: (it was interrupted|systemctl (start|show))/,
    );
  });

  it('is upgraded by install.sh of another release', async () => {
    const script = `/root/made-9.1.0/${basename(release).replace(/\d.*?(?=-)/, '9.1.0')}/install.sh`;
    const refused = await machine.run(script);
    assert.match(refused.stderr, /gate 7\.0\.0 is installed: use --upgrade/);
    const { status, stdout, stderr } = await machine.run(`${script} --upgrade`);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /gate 9\.1\.0 runs, in place of 7\.0\.0/);
    assert.equal(await runs(), '9.1.0');
  });

  it('is upgraded together with new credentials, in one step', async () => {
    await variant('9.2.0');
    const folderName = basename(release).replace(/\d.*?(?=-)/, '9.2.0');
    const credentials = join(machine.root, 'root/new-credentials');
    mkdirSync(credentials);
    writeFileSync(join(credentials, '.env'), 'PROJECT_ID=house\nPORT=8081\n', { mode: 0o644 });
    writeFileSync(join(credentials, 'private.key'), 'a new key', { mode: 0o644 });
    const { status, stdout, stderr } = await machine.run(
      `/root/made-9.2.0/${folderName}/install.sh --upgrade --credentials /root/new-credentials`,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /gate 9\.2\.0 runs, in place of 9\.1\.0/);
    assert.equal(await machine.demand('stat -c "%a %U %G" /etc/gate/private.key'), '640 root gate');
    assert.equal(await machine.demand('cat /etc/gate/private.key'), 'a new key');
    assert.match(await machine.demand('cat /proc/net/tcp'), /:1F91 00000000:0000 0A/, 'it listens on 8081');
    assert.equal(await machine.demand('gate clients list --json'), clients);
  });

  it('forgets its people and its secrets by a factory reset, and begins anew', async () => {
    await machine.demand('rm -rf /root/new-credentials /root/credentials');
    const { clientId, clientSecret } = JSON.parse(
      await machine.demand('gate clients add --name ofAnna --json'),
    );
    const [gateway] = JSON.parse(await machine.demand(`${GET}'/device/v1/devices'`));
    const made = await machine.demand(
      `gate pair --type HTTP-DEVICE --name AnnasLamp --parameter hostname=annas-lamp.house.example --seconds 2 --json || true`,
    );
    assert.equal(made, '');
    await machine.demand('mkdir -p /var/lib/gate/backups && chown gate: /var/lib/gate/backups');
    await machine.demand(
      'GATE_BACKUP_PASSPHRASE="correct horse battery" gate backup --into /var/lib/gate/backups',
    );
    const secrets = [
      clientId,
      clientSecret,
      'ofAnna',
      'AnnasLamp',
      'annas-lamp.house.example',
      'a new key',
      gateway.id,
    ];
    const places = '/var/lib/gate /etc/gate /opt/gate/update /tmp /var/tmp /run/gate /var/log';
    const found = async () => {
      const looked = secrets.map((secret) => `grep -rlF -- '${secret}' ${places} 2>/dev/null`).join('; ');
      return (await machine.run(looked)).stdout.trim().split('\n').filter(Boolean);
    };
    assert.ok((await found()).length > 0, 'they are there before');
    await machine.demand('systemctl stop gate');
    const said = await machine.run('gate factory-reset --yes');
    assert.equal(said.status, 0, said.stderr);
    assert.match(said.stderr, /journalctl --rotate --vacuum-time=1s/);
    await machine.demand('journalctl --rotate --vacuum-time=1s 2>&1');
    assert.deepEqual(await found(), []);
    assert.equal(await machine.demand('ls -A /var/lib/gate /etc/gate'), '/etc/gate:\n\n/var/lib/gate:');
    await machine.demand('systemctl start gate');
    clients = await machine.demand('gate clients list --json');
    assert.equal(JSON.parse(clients).length, 1);
    assert.ok(!clients.includes(clientId));
    // and it can be updated as before
    const path = inside(await variant('9.3.0'));
    assert.match(await machine.demand(`gate update ${path}`), /gate 9\.3\.0 runs/);
  });

  it('is removed without a trace but its settings and data, and those too when told', async () => {
    const everything =
      'find / -xdev \\( -name "*gate*" -not -path "/proc/*" -not -path "/root/*" -not -path "/run/*" -not -path "/usr/lib/*" -not -path "/usr/share/*" -not -path "/usr/bin/*" -not -path "/var/log/*" -not -path "/var/lib/dpkg/*" -not -path "/var/lib/systemd/*" \\) -print -prune | sort';
    await machine.demand('mkdir -p /etc/systemd/system/gate.service.d');
    await machine.demand('/opt/gate/current/install.sh --uninstall');
    assert.deepEqual((await machine.demand(everything)).split('\n'), ['/etc/gate', '/var/lib/gate']);
    assert.equal((await machine.run('systemctl list-unit-files "gate*" --no-legend')).stdout, '');
    assert.match(await machine.demand(`/root/${basename(release)}/install.sh`), /is up/);
    assert.equal(await machine.demand('gate clients list --json'), clients);
    // an engine that does not answer is said, and holds nothing up
    await machine.demand('touch /srv/deaf.sock && echo DOCKER_HOST=unix:///srv/deaf.sock >> /etc/gate/.env');
    const purged = await machine.demand(`/root/${basename(release)}/install.sh --purge`);
    assert.match(
      purged,
      /note: .*the container engine on \/srv\/deaf\.sock does not answer.*docker volume rm/,
    );
    await machine.demand('rm /srv/deaf.sock');
    assert.equal(await machine.demand(everything), '');
    assert.notEqual((await machine.run('id gate')).status, 0);
    assert.notEqual(
      (await machine.run('grep -r gate /etc/passwd /etc/group /etc/shadow /etc/gshadow')).status,
      0,
    );
    assert.equal((await machine.run('systemctl list-units --all "gate*" --no-legend')).stdout, '');
  });

  it('is put into an image, and starts when that is first started', async () => {
    await machine.stop();
    const { status, stdout, stderr } = spawnSync(join(release, 'install.sh'), ['--prefix', machine.root], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.match(stdout, /starts with the next boot/);
    await machine.start();
    await until('it is up', async () => (await machine.run('gate clients list --json')).status === 0);
  });
});
