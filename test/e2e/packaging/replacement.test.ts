/**
 * A box breaks, and another one with another stick takes its place: two Debian machines with their own systemd, a gate
 * installed on each, a Zigbee network on the air between them, and one encrypted file.
 */
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { reasonToSkip } from '../../../scripts/peers/peers.ts';
import { ColourBulb } from '../../simulators/zigbee/devices/colour-bulb.ts';
import { MeteringPlug } from '../../simulators/zigbee/devices/metering-plug.ts';
import { SimulatedRadio } from '../../simulators/zigbee/radio.ts';
import { DebianMachine, reasonForNoMachine } from '../../support/debian-machine.ts';
import { PortInMachine } from '../../support/port-in-machine.ts';
import { makeKey, packageRelease, unpackRelease } from '../../support/release-maker.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { TYPES } from '../zigbee/zigbee-house.ts';

const PASSPHRASE = 'correct horse battery staple';
const ANSWERS_MS = 180_000;

describe('a gateway that moves to another machine', function () {
  this.timeout(900_000);
  let folder: ReturnType<typeof tempFolder>;
  let release: string;
  let machine: DebianMachine | undefined;
  let radio: SimulatedRadio | undefined;
  let stick: PortInMachine | undefined;

  before(async function () {
    const reason = reasonForNoMachine() ?? reasonToSkip('socat');
    if (reason !== undefined) {
      console.log(`      skipped: ${reason}`);
      return this.skip();
    }
    folder = tempFolder();
    const keyFile = makeKey(join(folder.path, 'key.pem'));
    release = unpackRelease(packageRelease(join(folder.path, 'release'), { keyFile }), folder.path);
    return undefined;
  });
  after(async () => {
    await stick?.close();
    await radio?.stop();
    await machine?.remove();
    folder?.remove();
  });

  /** Switched on, gate's files on it, and the stick where it was plugged in. */
  async function freshMachine(name: string, { port }: SimulatedRadio): Promise<DebianMachine> {
    const place = join(folder.path, name);
    mkdirSync(place);
    const fresh = DebianMachine.unpack(place);
    cpSync(release, join(fresh.root, 'root', basename(release)), { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(fresh.root, 'root/passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    await fresh.start();
    stick = await PortInMachine.open(fresh, { folder: folder.path, port });
    return fresh;
  }

  it('goes on there with all that it had, and nothing is paired again', async () => {
    radio = await SimulatedRadio.start();
    const { port, air } = radio;
    machine = await freshMachine('first', radio);
    await machine.demand(`/root/${basename(release)}/install.sh`);
    await machine.demand(`gate protocols install zigbee port=${radio.url}`);
    const [bulb, plug] = [radio.add(new ColourBulb()), radio.add(new MeteringPlug())];
    const pair = async (type: string, name: string, joining: { seek(): void }) => {
      const paired = (machine as DebianMachine).demand(
        `gate pair --type ${type} --name ${name} --seconds 60`,
      );
      joining.seek();
      assert.match(await paired, new RegExp(`${name} is paired`));
    };
    await pair(TYPES.bulb, 'lamp', bulb);
    await pair(TYPES.plug, 'socket', plug);
    const client = JSON.parse(await machine.demand('gate clients add --name panel --scopes read --json'));
    const seen = async () => {
      const listed = JSON.parse(await (machine as DebianMachine).demand('gate devices --json'));
      return listed.map(({ id, name, address }: Record<string, unknown>) => ({ id, name, address }));
    };
    const devices = await seen();
    assert.equal(devices.length, 2);
    await machine.demand('gate set lamp state=OFF');

    const taken = await machine.demand('gate backup /root/house.age --passphrase-file /root/passphrase');
    assert.match(taken, /house\.age: \d+ files, \d+ bytes, encrypted/);
    assert.equal(await machine.demand('systemctl is-active gate'), 'active');
    copyFileSync(join(machine.root, 'root/house.age'), join(folder.path, 'house.age'));
    // the first one is switched off for good, and its stick goes with it
    await stick?.close();
    await machine.remove();
    await radio.stop();
    radio = await SimulatedRadio.start({ port, air, ieee: '0x00124b00bbbbbbbb' });
    for (const device of [bulb, plug]) radio.add(device);

    machine = await freshMachine('second', radio);
    copyFileSync(join(folder.path, 'house.age'), join(machine.root, 'root/house.age'));
    await machine.demand(`/root/${basename(release)}/install.sh --no-start`);
    const restored = await machine.demand('gate restore /root/house.age --passphrase-file /root/passphrase');
    assert.match(restored, /restored what gate \S+ had on .*: start gate now/);
    await machine.demand('systemctl start gate');

    assert.deepEqual(await seen(), devices);
    const second = machine;
    const answers = (line: string) =>
      until(line, async () => (await second.run(line)).status === 0, ANSWERS_MS);
    await answers('gate set lamp state=ON --wait 5');
    assert.equal(bulb.state.on, true);
    await answers('gate set socket state=ON --wait 5');
    await answers('gate get socket state= --wait 5');
    assert.match(await machine.demand('gate status'), /gate is ready/);
    const clients = JSON.parse(await machine.demand('gate clients list --json'));
    assert.ok(clients.some(({ clientId }: { clientId: string }) => clientId === client.clientId));
    // and it is a gateway like any other: it comes up with its network after a power cut
    await stick?.close();
    await machine.cutPower();
    await machine.start();
    stick = await PortInMachine.open(machine, { folder: folder.path, port });
    await answers('gate set lamp state=OFF --wait 5');
    assert.equal(bulb.state.on, false);
  });
});
