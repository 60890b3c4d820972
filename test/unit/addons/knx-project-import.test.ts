import assert from 'node:assert/strict';
import fc from 'fast-check';
import manifest from '../../../addons/knx/addon.json' with { type: 'json' };
import { ANSWER_MAX_BYTES, previewOf } from '../../../addons/knx/src/ets/project-import.ts';
import { KNX_DEVICE_TYPE } from '../../../addons/knx/src/knx-parameters.ts';

interface Preview {
  devices: {
    key: string;
    name: string;
    type: string;
    parameters: { datapoints: { name: string; group_address: string; dpt: string }[] };
  }[];
  problems: { line: number; address: string; name: string; message: string }[];
}
const place = { uploadsFolder: '/nowhere', signal: new AbortController().signal };
const preview = async (content: string) => (await previewOf({ content }, place)) as unknown as Preview;
const type = KNX_DEVICE_TYPE;

const XML = `\uFEFF<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<!-- <GroupAddress Name="no" Address="9/9/9" /> -->
<GroupAddress-Export xmlns="http://knx.org/xml/ga-export/01">
  <GroupRange Name="Lights &amp; more" RangeStart="2048" RangeEnd="4095">
    <GroupRange Name="Ground floor of the house" RangeStart="2048" RangeEnd="2303">
      <GroupAddress Name="K&#252;che: Licht &quot;A&quot; > B" Address="1/0/1" DPTs="DPST-1-1" />
      <GroupAddress Name="Level" Address="1/0/2" Central="true" Description="x" DPTs="DPST-5-1,DPST-5-4" />
      <GroupAddress Name="Level" Address="1/0/3" DPTs="DPT-5" />
      <GroupAddress Name="No type" Address="1/0/4" />
      <GroupAddress Name="Odd type" Address="1/0/5" DPTs="DPST-240-800"/>
      <GroupAddress Name="Again" Address="1/0/1" DPTs="DPST-1-1" />
    </GroupRange>
    <GroupRange Name="Ground floor of the hotel" RangeStart="2304" RangeEnd="2559">
      <GroupAddress Name="..." Address="1/1/1" DPTs="DPST-9-1" />
    </GroupRange>
  </GroupRange>
</GroupAddress-Export>
`;

describe("an export of ETS's group addresses", () => {
  it('becomes devices and datapoints out of XML, names and types kept, and tells what cannot', async () => {
    assert.equal(manifest.types[0]?.id, KNX_DEVICE_TYPE);
    const { devices, problems } = await preview(XML);
    assert.deepEqual(devices, [
      {
        key: 'range-2-2303',
        name: 'Ground floor of the',
        type,
        parameters: {
          datapoints: [
            { name: 'Küche Licht A B', group_address: '1/0/1', dpt: '1.001' },
            { name: 'Level', group_address: '1/0/2', dpt: '5.004' },
            { name: 'Level 1/0/3', group_address: '1/0/3', dpt: '5' },
          ],
        },
      },
      {
        key: 'range-2-2559',
        name: 'Ground floor of th 2',
        type,
        parameters: { datapoints: [{ name: 'address 1/1/1', group_address: '1/1/1', dpt: '9.001' }] },
      },
    ]);
    assert.deepEqual(
      problems.map(({ line, address, message }) => [line, address, message.slice(0, 16)]),
      [
        [9, '1/0/4', 'it has no datapo'],
        [10, '1/0/5', '"DPST-240-800" i'],
        [11, '1/0/1', 'this address is '],
      ],
    );
  });

  it('becomes the same out of CSV, with one column of names or one for each level', async () => {
    const one = [
      '"Group name";"Address";"Central";"Unfiltered";"Description";"DatapointType";"Security"',
      '"Lights";"1/-/-";"";"";"";"";"Auto"',
      '"Ground floor";"1/0/-";"";"";"";"";"Auto"',
      '"Hall; the ""big"" one";"1/0/1";"";"";"two\r\nlines";"DPST-1-1";"Auto"',
      '"Level";"1/0/2";"";"";"";"";"Auto"',
      '"Upper floor";"1/1/-";"";"";"";"";"Auto"',
      '"Temperature";"1/1/1";"";"";"";"DPST-9-1";"Auto"',
    ].join('\r\n');
    const expected = [
      {
        key: 'range-2-2303',
        name: 'Ground floor',
        type,
        parameters: { datapoints: [{ name: 'Hall the big one', group_address: '1/0/1', dpt: '1.001' }] },
      },
      {
        key: 'range-2-2559',
        name: 'Upper floor',
        type,
        parameters: { datapoints: [{ name: 'Temperature', group_address: '1/1/1', dpt: '9.001' }] },
      },
    ];
    assert.deepEqual((await preview(one)).devices, expected);
    assert.deepEqual(
      (await preview(one)).problems.map(({ line, address }) => [line, address]),
      [[6, '1/0/2']],
    );
    const three = [
      'Main,Middle,Sub,Address,DatapointType',
      'Lights,,,1/-/-,',
      ',Ground floor,,1/0/-,',
      ',,"Hall; the big one",1/0/1,DPST-1-1',
      ',Upper floor,,1/1/-,',
      ',,Temperature,1/1/1,DPST-9-1',
      '',
    ].join('\n');
    assert.deepEqual((await preview(three)).devices, expected);
    assert.deepEqual((await preview(three.replaceAll(',', '\t'))).devices, expected);
  });

  it('is refused with the line where it is broken', async () => {
    const refused = (content: string, message: RegExp) =>
      assert.rejects(preview(content), { code: 'badRequest', message, hint: /ETS/ }, content.slice(0, 60));
    await refused(XML.replace('</GroupRange>', ''), /line 17: unexpected close tag/);
    await refused(XML.slice(0, XML.indexOf('    </GroupRange>')), /line 12: unclosed root tag/);
    await refused(XML.replace('DPTs="DPST-1-1" />', 'DPTs="DPST-1-1 />'), /line 7: /);
    await refused(XML.replace('&amp;', '&more;'), /line 4: invalid character entity/);
    await refused('<KNX><Project/></KNX>', /line 1: <KNX> in place of <GroupAddress-Export>/);
    await refused(`<GroupAddress-Export>${'<a>'.repeat(100)}`, /line 1: nested more than 64 deep/);
    await refused('PK\u0003\u0004', /line 1: there is no line of titles/);
    await refused('Name;Address\n"a;1/0/1\n', /line 2: a quotation mark is not closed/);
    await refused('Name;Address\na;\n', /line 2: the column "Address" is empty/);
    for (const wrong of [
      {},
      { content: 'a', file: 'b' },
      { content: ' ' },
      { file: '../secret' },
      { file: 'gone' },
    ]) {
      await assert.rejects(previewOf(wrong, place), { code: 'badRequest' }, JSON.stringify(wrong));
    }
    await assert.rejects(previewOf({ content: XML, by: 'device' }, place), { hint: /\.knxproj/ });
  });

  it('leaves out what KNX Data Secure keeps to itself', async () => {
    const { devices, problems } = await preview(XML.replace('Central="true"', 'Security="On"'));
    assert.equal(devices[0]?.parameters.datapoints.length, 2);
    assert.match(problems.map(({ message }) => message).join(), /secured \(KNX Data Secure\)/);
  });

  it('is answered in parts when it is large', async () => {
    const ranges = Array.from({ length: 60 }, (_, range) => {
      const [main, middle] = [range >> 3, range & 7];
      const addresses = Array.from(
        { length: 250 },
        (_, sub) =>
          `<GroupAddress Name="${'n'.repeat(50)} ${sub}" Address="${main}/${middle}/${sub + 1}" DPTs="DPST-1-1"/>`,
      );
      const end = (main << 11) | (middle << 8) | 255;
      return `<GroupRange Name="r${range}" RangeEnd="${end}">${addresses.join('')}</GroupRange>`;
    });
    const content = `<GroupAddress-Export>${ranges.join('')}</GroupAddress-Export>`;
    const keys: string[] = [];
    let parts = 0;
    for (let from: number | undefined = 0; from !== undefined; parts += 1) {
      const answer = (await previewOf({ content, from }, place)) as unknown as Preview & {
        next?: number;
        total: number;
      };
      assert.ok(Buffer.byteLength(JSON.stringify(answer)) <= ANSWER_MAX_BYTES + 10_000);
      assert.equal(answer.total, 60);
      keys.push(...answer.devices.map(({ key }) => key));
      from = answer.next;
    }
    assert.ok(parts > 1);
    assert.equal(new Set(keys).size, 60);
    assert.equal(keys.length, 60);
  });

  it('is never anything but a preview or a clear error, however it is damaged', async () => {
    const damaged = fc
      .tuple(fc.nat(XML.length), fc.nat(40), fc.string({ maxLength: 10 }))
      .map(([at, length, instead]) => XML.slice(0, at) + instead + XML.slice(at + length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, fc.string({ maxLength: 200 })), async (content) => {
        await preview(content).catch((error: { code?: string }) => assert.equal(error.code, 'badRequest'));
      }),
      { numRuns: 1_000 },
    );
  });
});
