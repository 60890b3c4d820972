/**
 * A `.knxproj` as ETS writes it, made on the spot from published knowledge of the format: two rooms with a function each, a push-button
 * and an actuator, three ranges. ETS 4 (schema 11) names links and rooms by other elements than later ones.
 */
import { type ZippedFile, zipArchive } from './zip-archive.ts';

export const PROJECT_ID = 'P-0AB1';

export interface ProjectOptions {
  /** Of the namespace: 11 is ETS 4.2, 14 ETS 5.6, 20 ETS 5.7, 21 to 23 ETS 6. */
  schema: number;
  /** Put in place of what ETS would write. */
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
export function projectXml({ schema, change = (xml) => xml }: ProjectOptions): string {
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
    `<DeviceInstance Id="${full(id)}" Address="${address}" Name="${name}"><ComObjectInstanceRefs>${objects.join('')}</ComObjectInstanceRefs></DeviceInstance>`;
  const devices = [
    instance('DI-1', 4, 'Push-button hall', object('O-1_R-1', '', 'GA-1', 'GA-2')),
    instance('DI-2', 7, '', object('O-1_R-1', '', 'GA-3'), object('O-2_R-2', 'DPST-5-1 DPST-5-4', 'GA-4')),
  ].join('\n            ');
  const line = old || schema < 21 ? devices : `<Segment Id="${full('S-1')}" Number="0">${devices}</Segment>`;
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
          </GroupRanges>
        </GroupAddresses>
      </Installation>
    </Installations>`,
    ),
  );
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
  ];
}

export function projectArchive(options: ProjectOptions): Buffer {
  return zipArchive(projectFiles(options));
}
