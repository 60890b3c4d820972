import assert from 'node:assert/strict';
import fc from 'fast-check';
import { previewOf } from '../../../addons/knx/src/ets/project-import.ts';

interface Preview {
  devices: {
    name: string;
    parameters: { datapoints: { name: string; group_address: string; dpt: string }[] };
  }[];
  problems: { line: number; address: string; name: string; message: string }[];
}
const preview = (content: string) => previewOf({ content }) as unknown as Preview;

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
  it('becomes devices and datapoints out of XML, names and types kept, and tells what cannot', () => {
    const { devices, problems } = preview(XML);
    assert.deepEqual(devices, [
      {
        name: 'Ground floor of the',
        parameters: {
          datapoints: [
            { name: 'Küche Licht A B', group_address: '1/0/1', dpt: '1.001' },
            { name: 'Level', group_address: '1/0/2', dpt: '5.004' },
            { name: 'Level 1/0/3', group_address: '1/0/3', dpt: '5' },
          ],
        },
      },
      {
        name: 'Ground floor of th 2',
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

  it('becomes the same out of CSV, with one column of names or one for each level', () => {
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
        name: 'Ground floor',
        parameters: { datapoints: [{ name: 'Hall the big one', group_address: '1/0/1', dpt: '1.001' }] },
      },
      {
        name: 'Upper floor',
        parameters: { datapoints: [{ name: 'Temperature', group_address: '1/1/1', dpt: '9.001' }] },
      },
    ];
    assert.deepEqual(preview(one).devices, expected);
    assert.deepEqual(
      preview(one).problems.map(({ line, address }) => [line, address]),
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
    assert.deepEqual(preview(three).devices, expected);
    assert.deepEqual(preview(three.replaceAll(',', '\t')).devices, expected);
  });

  it('is refused with the line where it is broken', () => {
    const refused = (content: string, message: RegExp) =>
      assert.throws(() => preview(content), { code: 'badRequest', message }, content.slice(0, 60));
    refused(XML.replace('</GroupRange>', ''), /line 17: <\/GroupAddress-Export> closes nothing/);
    refused(XML.slice(0, XML.indexOf('    </GroupRange>')), /line 12: <GroupRange> is not closed/);
    refused(XML.replace('DPTs="DPST-1-1" />', 'DPTs="DPST-1-1 />'), /line 6: .* makes no sense/);
    refused('<KNX><Project/></KNX>', /line 1: <KNX> stands alone/);
    refused('PK\u0003\u0004', /line 1: there is no line of titles/);
    refused('Name;Address\n"a;1/0/1\n', /line 2: a quotation mark is not closed/);
    refused('Name;Address\na;\n', /line 2: the column "Address" is empty/);
    assert.throws(() => previewOf({}), { code: 'badRequest', message: /"content"/ });
  });

  it('is never anything but a preview or a clear error, however it is damaged', () => {
    const damaged = fc
      .tuple(fc.nat(XML.length), fc.nat(40), fc.string({ maxLength: 10 }))
      .map(([at, length, instead]) => XML.slice(0, at) + instead + XML.slice(at + length));
    fc.assert(
      fc.property(fc.oneof(damaged, fc.string({ maxLength: 200 })), (content) => {
        try {
          preview(content);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'badRequest');
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
