import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@gate/addon-sdk';
import { UNPACKED_MAX_BYTES } from '../../../addons/knx/src/ets/project-archive.ts';
import { previewOf } from '../../../addons/knx/src/ets/project-import.ts';
import { PROJECT_ID, projectArchive, projectFiles, projectXml } from '../../support/knx-project.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { type ZippedFile, zipArchive } from '../../support/zip-archive.ts';

interface Preview {
  source: JsonObject;
  devices: {
    key: string;
    name: string;
    parameters: { individual_address?: string; datapoints: JsonObject[] };
  }[];
  problems: { line: number; address: string; name: string; message: string }[];
}

describe('a project of ETS (.knxproj)', () => {
  const folder = tempFolder();
  after(() => folder.remove());

  const previewed = async (bytes: Buffer, more: JsonObject = {}, signal = new AbortController().signal) => {
    writeFileSync(join(folder.path, 'sent'), bytes);
    return (await previewOf(
      { file: 'sent', ...more },
      { uploadsFolder: folder.path, signal },
    )) as unknown as Preview;
  };
  const refused = (bytes: Buffer, message: RegExp) =>
    assert.rejects(previewed(bytes), { code: 'badRequest', message, hint: /ETS/ });
  const names = ({ devices }: Preview) =>
    devices.map(({ key, name, parameters: { datapoints } }) => [
      key,
      name,
      ...datapoints.map((each) => each['name']),
    ]);

  for (const schema of [11, 14, 20, 23]) {
    it(`of schema ${schema} becomes the functions of its rooms, and ranges of the rest`, async () => {
      const preview = await previewed(projectArchive({ schema }));
      assert.deepEqual(names(preview), [
        [`function-${PROJECT_ID}-F-1`, 'Hall Light', 'Hall light'],
        [`function-${PROJECT_ID}-F-2`, 'Kitchen Light', 'Küche Bad', 'Kitchen level'],
        ['range-2-6399', 'Temperatures', 'Outside'],
      ]);
      assert.deepEqual(preview.devices[1]?.parameters.datapoints, [
        { name: 'Küche Bad', group_address: '1/0/3', dpt: '1.001' },
        // its type is that of the object which uses it
        { name: 'Kitchen level', group_address: '1/0/4', dpt: '5.001' },
      ]);
      const { id, name, schema: read, by } = preview.source;
      assert.deepEqual([id, name, read, by], [PROJECT_ID, 'House at the lake', schema, 'function']);
      assert.match(String(preview.source['createdBy']), schema === 11 ? /^ETS 4\.2/ : /^ETS\d \d/);
      assert.deepEqual(
        preview.problems.map(({ address, name: named, message }) => [address, named, message]),
        [['3/0/2', 'Not typed', 'it has no datapoint type in ETS']],
      );
      assert.ok((preview.problems[0]?.line ?? 0) > 20);
    });

    it(`of schema ${schema} becomes the devices on the bus, or ranges, where that is asked for`, async () => {
      const archive = projectArchive({ schema });
      const byDevice = await previewed(archive, { by: 'device' });
      assert.deepEqual(names(byDevice), [
        ['device-1.1.4', 'Push-button hall', 'Hall light'],
        ['device-1.1.7', '1.1.7', 'Küche Bad', 'Kitchen level'],
        ['range-2-6399', 'Temperatures', 'Outside'],
      ]);
      assert.equal(byDevice.devices[0]?.parameters.individual_address, '1.1.4');
      assert.deepEqual(names(await previewed(archive, { by: 'range' })), [
        ['range-2-2303', 'Ground floor', 'Hall light', 'Küche Bad', 'Kitchen level'],
        ['range-2-6399', 'Temperatures', 'Outside'],
      ]);
    });
  }

  it('has the same keys for ranges as an export of its addresses', async () => {
    const csv = '"Name";"Address";"DatapointType"\n"Temperatures";"3/0/-";""\n"Outside";"3/0/1";"DPST-9-1"\n';
    assert.deepEqual(names(await previewed(Buffer.from(csv))), [['range-2-6399', 'Temperatures', 'Outside']]);
  });

  it('takes an export as a file too, in each of the codings that ETS writes', async () => {
    const csv = '"Name";"Address";"DatapointType"\r\n"Küche";"3/0/1";"DPST-9-1"\r\n';
    for (const bytes of [
      Buffer.from(csv),
      Buffer.from(`\uFEFF${csv}`),
      Buffer.from(csv, 'latin1'),
      Buffer.from(`\uFEFF${csv}`, 'utf16le'),
    ]) {
      assert.deepEqual(names(await previewed(bytes)), [['range-0', 'KNX', 'Küche']]);
    }
  });

  it('is refused by name when a password protects it', async () => {
    const locked = (files: ZippedFile[]) => refused(zipArchive(files), /P-0AB1 is protected by a password/);
    const [master, signature] = projectFiles({ schema: 23 }) as [ZippedFile, ZippedFile];
    await locked([master, signature, { name: `${PROJECT_ID}.zip`, content: 'encrypted' }]);
    await locked(
      projectFiles({ schema: 14 }).map((file) => ({ ...file, encrypted: file.name.endsWith('/0.xml') })),
    );
  });

  it('is refused with the place where it is broken', async () => {
    const changed = (change: (xml: string) => string) => projectArchive({ schema: 23, change });
    const lines = projectXml({ schema: 23 }).split('\n');
    const lineOf = (tag: string) => lines.findIndex((line) => line.includes(tag)) + 1;
    await refused(
      changed((xml) => xml.replace('</GroupRange>', '')),
      new RegExp(`P-0AB1/0\\.xml\\) cannot be read: line ${lineOf('</GroupRanges>')}: unexpected close tag`),
    );
    await refused(
      changed((xml) => xml.slice(0, xml.indexOf('<GroupAddresses>'))),
      new RegExp(`line ${lineOf('<GroupAddresses>')}: unclosed root tag`),
    );
    await refused(
      changed(() => ''),
      /line 1: there is nothing in it/,
    );
    await refused(
      changed((xml) => xml.replace('knx.org/xml/project/23', 'example.org/other')),
      /line 2: it is no project of ETS 4 to 6/,
    );
    const whole = projectArchive({ schema: 23 });
    await refused(whole.subarray(0, whole.length - 40), /cannot be read: .*end of central directory/i);
    const torn = Buffer.from(whole);
    torn.fill(0x55, 700, 760);
    await assert.rejects(previewed(torn), { code: 'badRequest', message: /cannot be read/ });
    await refused(zipArchive([{ name: 'letter.txt', content: 'hello' }]), /no P-…\/0\.xml/);
    const twice = projectFiles({ schema: 23 }).map((file) => ({
      ...file,
      name: file.name.replace('0AB1/', '0AB2/'),
    }));
    await refused(zipArchive([...projectFiles({ schema: 23 }), ...twice]), /more than one project/);
  });

  it('reads nothing that a name in it leads to, and says so', async () => {
    for (const name of ['../../etc/passwd', '/etc/passwd', 'C:/boot.ini', '..\\secret']) {
      const files = [...projectFiles({ schema: 23 }), { name, content: 'x' }];
      await refused(zipArchive(files), /cannot be read: .*(relative path|absolute path|invalid characters)/);
    }
  });

  it('is not unpacked beyond what may come out of it', async () => {
    const name = `${PROJECT_ID}/0.xml`;
    const blanks = Buffer.alloc(UNPACKED_MAX_BYTES + 1, ' ');
    await refused(
      zipArchive([{ name, content: blanks }]),
      /would unpack to \d+ bytes; at most \d+ are taken/,
    );
    // announced as small
    const bomb = zipArchive([{ name, content: blanks, announcedBytes: 1_000 }]);
    await refused(bomb, /too many bytes in the stream. expected 1000/);
    const addresses = '<GroupAddress Id="a" Address="1" Name="x" />'.repeat(65_536);
    await refused(
      projectArchive({
        schema: 23,
        change: (xml) => xml.replace('<GroupRanges>', `<GroupRanges>${addresses}`),
      }),
      /line \d+: more than 65535 group addresses/,
    );
  });

  it('is given up when nobody waits any more', async () => {
    await assert.rejects(previewed(projectArchive({ schema: 23 }), {}, AbortSignal.abort()), /abort/);
  });
});
