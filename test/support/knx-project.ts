/**
 * A `.knxproj` as ETS writes it, made on the spot from published knowledge of the format: two rooms with a function each, a push-button
 * and an actuator, three ranges; where it is `wired`, a cellar whose types are in the maker's catalogue alone. ETS 4 (schema 11) names links and rooms by other elements than later ones.
 */
import { type ZippedFile, zipArchive } from './zip-archive.ts';

export const PROJECT_ID = 'P-0AB1';
const PROGRAM = 'M-0083_A-0001-10-AAAA';
const HARDWARE = 'M-0083_H-1-1_HP-0001-10-AAAA';

export interface ProjectOptions {
  /** Of the namespace: 11 is ETS 4.2, 14 ETS 5.6, 20 ETS 5.7, 21 to 23 ETS 6. */
  schema: number;
  /** With a light and a blind in the cellar: a push-button and actuators of which the catalogue says types and flags. */
  wired?: boolean;
  /** Put in place of what ETS would write, in the project and in the catalogue. */
  change?: (xml: string) => string;
}

const TOOLS: Readonly<Record<number, [string, string]>> = {
  11: ['ETS4', 'ETS 4.2.0 (Build 3884)'],
  14: ['ETS5', '5.6.1001.36000'],
  20: ['ETS5', '5.7.1428.39779'],
  23: ['ETS6', '6.2.7302.0'],
};

function knx(schema: number, content: string): string {
  const [createdBy, version] = TOOLS[schema] ?? ['ETS6', '6.9.0.0'];
  return [
    '\uFEFF<?xml version="1.0" encoding="utf-8"?>',
    `<KNX xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" CreatedBy="${createdBy}" ToolVersion="${version}" xmlns="http://knx.org/xml/project/${schema}">`,
    `  <Project Id="${PROJECT_ID}">`,
    content,
    '  </Project>',
    '</KNX>',
    '',
  ].join('\n');
}

/** `0.xml` */
export function projectXml({ schema, wired = false, change = (xml) => xml }: ProjectOptions): string {
  const old = schema < 12;
  const part = schema < 20 ? 'BuildingPart' : 'Space';
  const full = (id: string) => `${PROJECT_ID}-0_${id}`;
  const object = (ref: string, type: string, ...links: string[]) => {
    const attributes = `RefId="${ref}"${type === '' ? '' : ` DatapointType="${type}"`}`;
    if (!old) {
      const named = schema < 20 ? links.map(full) : links;
      return `<ComObjectInstanceRef ${attributes} Links="${named.join(' ')}" />`;
    }
    const connectors = links.map(
      (link, at) => `<${at === 0 ? 'Send' : 'Receive'} GroupAddressRefId="${full(link)}" />`,
    );
    return `<ComObjectInstanceRef ${attributes} IsActive="1"><Connectors>${connectors.join('')}</Connectors></ComObjectInstanceRef>`;
  };
  const instance = (id: string, address: number, name: string, ...objects: string[]) =>
    `<DeviceInstance Id="${full(id)}" Address="${address}" Name="${name}" Hardware2ProgramRefId="${HARDWARE}"><ComObjectInstanceRefs>${objects.join('')}</ComObjectInstanceRefs></DeviceInstance>`;
  const devices = [
    instance('DI-1', 4, 'Push-button hall', object('O-1_R-1', '', 'GA-1', 'GA-2')),
    instance('DI-2', 7, '', object('O-1_R-1', '', 'GA-3'), object('O-2_R-2', 'DPST-5-1 DPST-5-4', 'GA-4')),
    ...(wired ? cellarDevices() : []),
  ].join('\n            ');
  const line = old || schema < 21 ? devices : `<Segment Id="${full('S-1')}" Number="0">${devices}</Segment>`;
  function cellarDevices(): string[] {
    // with its program before it until ETS 5.6
    const named = (ref: string) => (schema < 20 ? `${PROGRAM}_${ref}` : ref);
    const module = schema < 20 ? '' : 'MD-1_M-2_MI-1_';
    const ofChannel = (xml: string) =>
      schema < 21 ? xml : xml.replace('RefId', `ChannelId="${module}CH-1" RefId`);
    return [
      instance('DI-3', 8, 'Push-button cellar', object(named('O-1_R-1'), '', 'GA-7', 'GA-8')),
      instance(
        'DI-4',
        9,
        'Switch',
        object(named('O-2_R-2'), '', 'GA-7'),
        object(named('O-3_R-3'), '', 'GA-8'),
      ),
      instance(
        'DI-5',
        10,
        'Blind',
        ofChannel(object(named(`${module}O-4_R-4`), '', 'GA-9')),
        ofChannel(object(named(`${module}O-5_R-5`), '', 'GA-10')),
      ),
    ];
  }
  const cellar = wired
    ? `<GroupRange Id="${full('GR-5')}" RangeStart="8192" RangeEnd="10239" Name="Cellar">
              <GroupAddress Id="${full('GA-7')}" Address="8193" Name="Lamp" />
              <GroupAddress Id="${full('GA-8')}" Address="8194" Name="Is it on" />
              <GroupAddress Id="${full('GA-9')}" Address="8195" Name="Blind to" />
              <GroupAddress Id="${full('GA-10')}" Address="8196" Name="Blind at" />
            </GroupRange>`
    : '';
  const ref = (id: string, address: string, role: string) =>
    `<GroupAddressRef Id="${full(id)}" RefId="${full(address)}" Name="" Role="${role}" />`;
  const rooms = `<${part} Id="${full('BP-2')}" Type="Room" Name="Hall">
          <Function Id="${full('F-1')}" Name="Light" Type="FT-1">${ref('GF-1', 'GA-1', 'SwitchOnOff')}${ref('GF-2', 'GA-2', 'InfoOnOff')}</Function>
        </${part}>
        <${part} Id="${full('BP-3')}" Type="Room" Name="Kitchen">
          <Function Id="${full('F-2')}" Name="Light" Type="FT-6">${ref('GF-3', 'GA-3', 'SwitchOnOff')}${ref('GF-4', 'GA-4', 'DimmingValue')}${ref('GF-5', 'GA-1', 'Other')}</Function>
        </${part}>`;
  const building = old || schema < 20 ? 'Buildings' : 'Locations';
  return change(
    knx(
      schema,
      `    <Installations>
      <Installation Name="">
        <Topology>
          <Area Id="${full('A-1')}" Address="1" Name="">
          <Line Id="${full('L-1')}" Address="1" Name="">
            ${line}
          </Line>
          </Area>
        </Topology>
        <${building}>
        <${part} Id="${full('BP-1')}" Type="Building" Name="House">
        ${rooms}
        </${part}>
        </${building}>
        <GroupAddresses>
          <GroupRanges>
            <GroupRange Id="${full('GR-1')}" RangeStart="2048" RangeEnd="4095" Name="Lights">
              <GroupRange Id="${full('GR-2')}" RangeStart="2048" RangeEnd="2303" Name="Ground floor">
                <GroupAddress Id="${full('GA-1')}" Address="2049" Name="Hall: light" DatapointType="DPST-1-1" />
                <GroupAddress Id="${full('GA-2')}" Address="2050" Name="Hall light state" DatapointType="DPST-1-1" />
                <GroupAddress Id="${full('GA-3')}" Address="2051" Name="K&#252;che &amp; Bad" DatapointType="DPST-1-1" />
                <GroupAddress Id="${full('GA-4')}" Address="2052" Name="Kitchen level" />
              </GroupRange>
            </GroupRange>
            <GroupRange Id="${full('GR-3')}" RangeStart="6144" RangeEnd="8191" Name="Climate">
              <GroupRange Id="${full('GR-4')}" RangeStart="6144" RangeEnd="6399" Name="Temperatures">
                <GroupAddress Id="${full('GA-5')}" Address="6145" Name="Outside" DatapointType="DPST-9-1" />
                <GroupAddress Id="${full('GA-6')}" Address="6146" Name="Not typed" />
              </GroupRange>
            </GroupRange>
            ${cellar}
          </GroupRanges>
        </GroupAddresses>
      </Installation>
    </Installations>`,
    ),
  );
}

/** The maker's catalogue: which program runs on its hardware, and what objects that has. */
function catalogue({ schema, change = (xml) => xml }: ProjectOptions): ZippedFile[] {
  const maker = (content: string) =>
    knx(
      schema,
      `<ManufacturerData><Manufacturer RefId="M-0083">${content}</Manufacturer></ManufacturerData>`,
    );
  const module = schema < 20 ? '' : 'MD-1_';
  const objects: [string, string, string][] = [
    ['O-1', 'DPST-1-1', 'ReadFlag="Disabled" WriteFlag="Enabled" TransmitFlag="Enabled"'],
    ['O-2', 'DPST-1-1', 'ReadFlag="Disabled" WriteFlag="Enabled" TransmitFlag="Disabled"'],
    ['O-3', 'DPST-1-11', 'ReadFlag="Disabled" WriteFlag="Disabled" TransmitFlag="Enabled"'],
    [`${module}O-4`, 'DPT-5', 'ReadFlag="Disabled" WriteFlag="Enabled" TransmitFlag="Disabled"'],
    [`${module}O-5`, 'DPST-5-1', 'ReadFlag="Enabled" WriteFlag="Disabled" TransmitFlag="Enabled"'],
  ];
  const table = objects.map(
    ([id, type, flags]) =>
      `<ComObject Id="${PROGRAM}_${id}" ObjectSize="${type.startsWith('DPST-1') ? '1 Bit' : '1 Byte'}" DatapointType="${type}" ${flags} />`,
  );
  // what a reference says counts before what the object says
  const own: Record<string, string> = {
    'O-3': ' ReadFlag="Enabled"',
    [`${module}O-4`]: ' DatapointType="DPST-5-1"',
  };
  const references = objects.map(([id]) => {
    const number = id.replace(/^.*O-/, '');
    return `<ComObjectRef Id="${PROGRAM}_${id}_R-${number}" RefId="${PROGRAM}_${id}"${own[id] ?? ''} />`;
  });
  return [
    {
      name: 'M-0083/Hardware.xml',
      content: maker(
        `<Hardware><Hardware Id="M-0083_H-1-1"><Hardware2Programs><Hardware2Program Id="${HARDWARE}"><ApplicationProgramRef RefId="${PROGRAM}" /></Hardware2Program></Hardware2Programs></Hardware></Hardware>`,
      ),
    },
    {
      name: `M-0083/${PROGRAM}.xml`,
      content: change(
        maker(
          `<ApplicationPrograms><ApplicationProgram Id="${PROGRAM}"><Static><ComObjectTable>${table.join('\n')}</ComObjectTable><ComObjectRefs>${references.join('\n')}</ComObjectRefs></Static></ApplicationProgram></ApplicationPrograms>`,
        ),
      ),
    },
  ];
}

/** The archive, with what else there is in one. */
export function projectFiles(options: ProjectOptions): ZippedFile[] {
  const about = knx(
    options.schema,
    '    <ProjectInformation Name="House at the lake" GroupAddressStyle="ThreeLevel" />',
  );
  return [
    { name: 'knx_master.xml', content: knx(options.schema, '') },
    { name: `${PROJECT_ID}.signature`, content: 'c2lnbmF0dXJl' },
    { name: `${PROJECT_ID}/${options.schema < 12 ? 'Project' : 'project'}.xml`, content: about },
    { name: `${PROJECT_ID}/0.xml`, content: projectXml(options) },
    { name: 'M-0002/Hardware.xml', content: '<KNX />' },
    ...catalogue(options),
  ];
}

export function projectArchive(options: ProjectOptions): Buffer {
  return zipArchive(projectFiles(options));
}
