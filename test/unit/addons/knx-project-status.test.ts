import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonObject } from '@gate/addon-sdk';
import { previewOf } from '../../../addons/knx/src/ets/project-import.ts';
import { type ProjectOptions, projectArchive, projectFiles } from '../../support/knx-project.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { zipArchive } from '../../support/zip-archive.ts';

interface Preview {
  source: { programs?: { read: number; leftOut: string[] } };
  devices: { name: string; parameters: { datapoints: JsonObject[] } }[];
  statusAddresses: { address: string; status_address: string; because: string; taken: boolean }[];
  problems: { address: string; message: string }[];
}

describe('status addresses of an import from ETS', () => {
  const folder = tempFolder();
  after(() => folder.remove());

  async function previewed(bytes: Buffer, more: JsonObject = {}): Promise<Preview> {
    writeFileSync(join(folder.path, 'sent'), bytes);
    const place = { uploadsFolder: folder.path, signal: new AbortController().signal };
    return (await previewOf({ file: 'sent', ...more }, place)) as unknown as Preview;
  }
  const project = (options: Omit<ProjectOptions, 'schema'> & { schema?: number }, more?: JsonObject) =>
    previewed(projectArchive({ schema: 23, ...options }), more);
  const datapointsOf = ({ devices }: Preview, name: string) =>
    devices.find((each) => each.name === name)?.parameters.datapoints;
  const found = ({ statusAddresses }: Preview) =>
    statusAddresses.map((each) => [each.address, each.status_address, each.because, each.taken]);

  it("come from a function's roles, and are no datapoints of their own", async () => {
    const preview = await project({});
    assert.deepEqual(datapointsOf(preview, 'Hall Light'), [
      { name: 'Hall light', group_address: '1/0/1', status_address: '1/0/2', dpt: '1.001' },
    ]);
    assert.deepEqual(found(preview), [['1/0/1', '1/0/2', 'function', true]]);
  });

  for (const schema of [11, 14, 20, 23]) {
    it(`of schema ${schema} come from linked objects, with types and flags of the maker's catalogue`, async () => {
      const preview = await project({ schema, wired: true });
      assert.deepEqual(datapointsOf(preview, 'Cellar')?.[0], {
        name: 'Lamp',
        group_address: '4/0/1',
        status_address: '4/0/2',
        dpt: '1.001',
      });
      assert.deepEqual(preview.source.programs, { read: 1, leftOut: [] });
      assert.deepEqual(
        preview.problems.map(({ address }) => address),
        ['3/0/2'],
      );
      assert.deepEqual(found(preview).at(1), ['4/0/1', '4/0/2', 'objects', true]);
    });
  }

  it('come from the channel of a device, where ETS says it', async () => {
    const blind = { name: 'Blind to', group_address: '4/0/3', dpt: '5.001' };
    const state = { name: 'Blind at', group_address: '4/0/4', dpt: '5.001' };
    assert.deepEqual(datapointsOf(await project({ wired: true }), 'Cellar')?.slice(1), [
      { ...blind, status_address: '4/0/4' },
    ]);
    assert.deepEqual(datapointsOf(await project({ schema: 20, wired: true }), 'Cellar')?.slice(1), [
      blind,
      state,
    ]);
  });

  it('are not what an actuator obeys, whatever a role calls it', async () => {
    const obeying = '<ComObjectInstanceRef RefId="O-2_R-2" Links="GA-2" /></ComObjectInstanceRefs>';
    const preview = await project({ change: (xml) => xml.replace('</ComObjectInstanceRefs>', obeying) });
    assert.deepEqual(
      datapointsOf(preview, 'Hall Light')?.map(({ name, status_address: status }) => [name, status]),
      [
        ['Hall light', undefined],
        ['Hall light state', undefined],
      ],
    );
  });

  it('are not taken where objects could mean two, or are of another type', async () => {
    const second = '<ComObjectInstanceRef RefId="O-3_R-3" Links="GA-2" />';
    const twice = await project({
      wired: true,
      change: (xml) =>
        xml.replace('Links="GA-7 GA-8"', 'Links="GA-7 GA-8 GA-2"').replace('Links="GA-8" />', `$&${second}`),
    });
    assert.equal(
      found(twice).some(([address]) => address === '4/0/1'),
      false,
    );
    const other = await project({
      wired: true,
      change: (xml) => xml.replace('Name="Is it on"', 'Name="Is it on" DatapointType="DPST-5-1"'),
    });
    assert.deepEqual(
      datapointsOf(other, 'Cellar')?.map(({ name }) => name),
      ['Lamp', 'Is it on', 'Blind to'],
    );
  });

  it('are left out with the catalogue that is missing or broken, which is named', async () => {
    const files = projectFiles({ schema: 23, wired: true });
    const without = files.filter(({ name }) => !name.includes('_A-'));
    const broken = files.map((file) => (file.name.includes('_A-') ? { ...file, content: '<KNX><' } : file));
    for (const each of [without, broken]) {
      const preview = await previewed(zipArchive(each));
      assert.deepEqual(preview.source.programs, { read: 0, leftOut: ['M-0083/M-0083_A-0001-10-AAAA.xml'] });
      assert.equal(datapointsOf(preview, 'Cellar'), undefined);
      assert.deepEqual(
        preview.problems.map(({ address }) => address),
        ['3/0/2', '4/0/1', '4/0/2', '4/0/3', '4/0/4'],
      );
    }
  });

  it('are not taken without a type; the size of what uses an address is told then', async () => {
    const { problems } = await project({
      wired: true,
      change: (xml) => xml.replaceAll(/(O-[123]" ObjectSize="1 Bit") DatapointType="[^"]*"/g, '$1'),
    });
    assert.deepEqual(
      problems.map(({ address, message }) => [address, message]),
      [
        ['3/0/2', 'it has no datapoint type in ETS'],
        ['4/0/1', 'it has no datapoint type in ETS; what uses it has 1 Bit'],
        ['4/0/2', 'it has no datapoint type in ETS; what uses it has 1 Bit'],
      ],
    );
  });

  describe('out of names', () => {
    const csv = [
      '"Group name";"Address";"DatapointType"',
      '"Lights";"1/0/-";""',
      '"Hall light";"1/0/1";"DPST-1-1"',
      '"Hall light dim";"1/0/2";"DPST-5-1"',
      '"Door";"1/0/3";"DPST-1-9"',
      '"Bad Rückmeldung";"1/0/4";"DPST-1-11"',
      '"Status";"1/1/-";""',
      '"Hall light status";"1/1/1";"DPST-1-11"',
      '"Hall light dim";"1/1/2";"DPST-5-1"',
      '"Door status";"1/1/3";"DPST-1-9"',
      '"Lights elsewhere";"2/0/-";""',
      '"Bad";"2/0/1";"DPST-1-1"',
      '"Stair";"2/0/2";"DPST-1-1"',
      '"Stair state";"2/0/3";"DPST-1-1"',
      '"Stair feedback";"2/0/4";"DPST-1-1"',
    ].join('\n');
    const suggested = [
      ['1/0/1', '1/1/1', 'names'],
      ['1/0/2', '1/1/2', 'names'],
      ['1/0/3', '1/1/3', 'names'],
    ];

    it('are suggested, and taken only when that is asked for', async () => {
      const shown = await previewed(Buffer.from(csv));
      assert.deepEqual(
        found(shown),
        suggested.map((each) => [...each, false]),
      );
      assert.ok(
        shown.devices.every(({ parameters }) =>
          parameters.datapoints.every((each) => !each['status_address']),
        ),
      );
      const taken = await previewed(Buffer.from(csv), { status: 'names' });
      assert.deepEqual(
        found(taken),
        suggested.map((each) => [...each, true]),
      );
      assert.deepEqual(
        taken.devices[0]?.parameters.datapoints.map((each) => each['status_address']),
        ['1/1/1', '1/1/2', '1/1/3', undefined],
      );
      assert.deepEqual(
        taken.devices.map(({ name }) => name),
        ['Lights', 'Lights elsewhere'],
      );
    });

    it('are not added to what a project says where none are wanted', async () => {
      const none = await project({}, { status: 'none' });
      assert.deepEqual(found(none), [['1/0/1', '1/0/2', 'function', false]]);
      assert.equal(datapointsOf(none, 'Hall Light')?.length, 2);
      await assert.rejects(project({}, { status: 'guess' }), { code: 'badRequest' });
    });
  });
});
