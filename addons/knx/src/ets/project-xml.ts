/**
 * `0.xml` of an ETS project: group addresses and their ranges, the functions of rooms, and which device on the bus uses
 * which address. By published knowledge of the format; read by the names of elements, which have stayed the same from
 * ETS 4 (namespace http://knx.org/xml/project/10) on. What each version does otherwise stands beside it.
 */
import type { AddonError } from '@gate/addon-sdk';
import { type EtsGroup, NO_RANGE, rangeGroup } from './group-address.ts';
import { type Attributes, XmlReader } from './xml-reader.ts';

/** Further ones of a file that is none are refused: there are no more addresses on a bus. */
const ADDRESSES_MAX = 65_535;
const FUNCTIONS_MAX = 20_000;
/** 16 areas of 16 lines of 256 devices. */
const DEVICES_MAX = 65_536;
const LINKS_MAX = 500_000;
const NAMESPACE = /^http:\/\/knx\.org\/xml\/project\/(\d{1,4})$/;
const HINT = 'export the project again in ETS, without a password, and send the .knxproj as it is';

export interface ProjectAddress {
  id: string;
  range: EtsGroup;
  name: string;
  address: string;
  dpt: string | undefined;
  secured: boolean;
  line: number;
}
export interface ProjectFunction {
  id: string;
  name: string;
  /** The room, or whatever it lies in. */
  space: string;
  /** Ids of its addresses. */
  addresses: string[];
}
export interface ProjectDevice {
  individualAddress: string;
  name: string;
  links: { address: string; dpt: string | undefined }[];
}
export interface Project {
  id: string;
  /** As ETS calls itself: `ETS5 5.7.1428`. */
  createdBy: string;
  /** Of the namespace. */
  schema: number;
  addresses: ProjectAddress[];
  functions: ProjectFunction[];
  devices: ProjectDevice[];
}

export class ProjectXml {
  readonly project: Project = { id: '', createdBy: '', schema: 0, addresses: [], functions: [], devices: [] };
  readonly #reader: XmlReader;
  readonly #ranges: EtsGroup[] = [];
  readonly #spaces: string[] = [];
  readonly #place: { area: string; line: string } = { area: '0', line: '0' };
  #function: ProjectFunction | undefined;
  #device: ProjectDevice | undefined;
  #objectDpt: string | undefined;
  #links = 0;
  #begun = false;

  /** `what`: the file, for people. */
  constructor(what: string) {
    this.#reader = new XmlReader(what, HINT, {
      open: (element, attributes, line) => this.#open(element, attributes, line),
      close: (element) => this.#close(element),
    });
  }

  /** @throws AddonError badRequest, naming the line */
  write(text: string): void {
    this.#reader.write(text);
  }

  /** @throws AddonError badRequest, naming the line */
  end(): Project {
    this.#reader.end();
    return this.project;
  }

  #open(element: string, attributes: Attributes, line: number): void {
    if (!this.#begun) this.#root(element, attributes, line);
    const { project } = this;
    const { Id = '', Name = '', Address = '', RefId = '' } = attributes;
    switch (element) {
      case 'Project':
        project.id ||= Id;
        return;
      case 'Area':
        this.#place.area = Address;
        return;
      case 'Line':
        this.#place.line = Address;
        return;
      case 'DeviceInstance': {
        const individualAddress = `${this.#place.area}.${this.#place.line}.${Address || '-'}`;
        this.#device = { individualAddress, name: Name, links: [] };
        this.#bound(project.devices.push(this.#device), DEVICES_MAX, line, 'devices');
        return;
      }
      case 'ComObjectInstanceRef':
        this.#objectDpt = firstOf(attributes['DatapointType']);
        // from ETS 5 on; before, elements of their own
        for (const link of listOf(attributes['Links'])) this.#link(link, line);
        return;
      case 'Send':
      case 'Receive':
        this.#link(attributes['GroupAddressRefId'] ?? '', line);
        return;
      // a building part until ETS 5.6
      case 'Space':
      case 'BuildingPart':
        this.#spaces.push(Name);
        return;
      case 'Function':
        this.#function = { id: Id, name: Name, space: this.#spaces.at(-1) ?? '', addresses: [] };
        this.#bound(project.functions.push(this.#function), FUNCTIONS_MAX, line, 'functions');
        return;
      case 'GroupAddressRef':
        this.#function?.addresses.push(shortId(RefId));
        this.#countLink(line);
        return;
      case 'GroupRange':
        this.#ranges.push(this.#range(Name, attributes['RangeEnd']));
        return;
      case 'GroupAddress':
        this.#address(attributes, line);
    }
  }

  #close(element: string): void {
    if (element === 'GroupRange') this.#ranges.pop();
    else if (element === 'Space' || element === 'BuildingPart') this.#spaces.pop();
    else if (element === 'Function') this.#function = undefined;
    else if (element === 'DeviceInstance') this.#device = undefined;
    else if (element === 'ComObjectInstanceRef') this.#objectDpt = undefined;
  }

  #root(element: string, { xmlns = '', CreatedBy = '', ToolVersion = '' }: Attributes, line: number): void {
    this.#begun = true;
    const schema = NAMESPACE.exec(xmlns)?.[1];
    if (element !== 'KNX' || schema === undefined) throw this.#broken(line, 'it is no project of ETS 4 to 6');
    this.project.schema = Number(schema);
    const version = ToolVersion.startsWith('ETS') ? ToolVersion : `${CreatedBy} ${ToolVersion}`;
    this.project.createdBy = version.trim().slice(0, 64);
  }

  #range(name: string, end: string | undefined): EtsGroup {
    const path = [...this.#ranges.map((range) => range.name), name].join('/');
    return rangeGroup(name, this.#ranges.length + 1, end === undefined ? undefined : Number(end), path);
  }

  #address({ Id = '', Name = '', Address = '', DatapointType, Security }: Attributes, line: number): void {
    const count = this.project.addresses.push({
      id: shortId(Id),
      range: this.#ranges.at(-1) ?? NO_RANGE,
      name: Name,
      address: Address,
      dpt: firstOf(DatapointType),
      secured: Security === 'On',
      line,
    });
    this.#bound(count, ADDRESSES_MAX, line, 'group addresses');
  }

  #link(refId: string, line: number): void {
    this.#device?.links.push({ address: shortId(refId), dpt: this.#objectDpt });
    this.#countLink(line);
  }

  #countLink(line: number): void {
    this.#links += 1;
    this.#bound(this.#links, LINKS_MAX, line, 'links');
  }

  #bound(count: number, most: number, line: number, what: string): void {
    if (count > most) throw this.#broken(line, `more than ${most} ${what}`);
  }

  #broken(line: number, what: string): AddonError {
    return this.#reader.broken(line, what);
  }
}

/** `GA-7` of `P-0242-0_GA-7`: from ETS 5.7 on links name it without the project. */
function shortId(id: string): string {
  return id.slice(id.lastIndexOf('_') + 1);
}

function listOf(value: string | undefined): string[] {
  return (value ?? '').split(/\s+/).filter((each) => each !== '');
}

/** An object may fit several types, the one it was given first. */
function firstOf(types: string | undefined): string | undefined {
  return listOf(types)[0];
}
