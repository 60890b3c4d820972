/**
 * `0.xml` of an ETS project: group addresses and their ranges, the functions of rooms, and which device on the bus uses
 * which address. By published knowledge of the format; read by the names of elements, which have stayed the same from
 * ETS 4 (namespace http://knx.org/xml/project/10) on. What each version does otherwise stands beside it.
 */
import type { AddonError } from '@gate/addon-sdk';
import { type EtsGroup, NO_RANGE, rangeGroup } from './group-address.ts';
import { type Bound, DeviceCollector, firstOf, type ProjectDevice, shortId } from './project-devices.ts';
import { type Attributes, XmlReader } from './xml-reader.ts';

/** Further ones of a file that is none are refused: there are no more addresses on a bus. */
const ADDRESSES_MAX = 65_535;
const FUNCTIONS_MAX = 20_000;
const REFERENCES_MAX = 500_000;
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
  /** What each of its addresses is for, as ETS calls it: `SwitchOnOff`, `InfoOnOff`, …; empty where it does not say. */
  addresses: { id: string; role: string }[];
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
  readonly #devices = new DeviceCollector();
  readonly project: Project = {
    id: '',
    createdBy: '',
    schema: 0,
    addresses: [],
    functions: [],
    devices: this.#devices.devices,
  };
  readonly #reader: XmlReader;
  readonly #ranges: EtsGroup[] = [];
  readonly #spaces: string[] = [];
  #function: ProjectFunction | undefined;
  #references = 0;
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
    const { Id = '', Name = '', RefId = '', Role = '' } = attributes;
    const bound: Bound = (count, most, what) => this.#bound(count, most, line, what);
    this.#devices.open(element, attributes, bound);
    switch (element) {
      case 'Project':
        project.id ||= Id;
        return;
      // a building part until ETS 5.6
      case 'Space':
      case 'BuildingPart':
        this.#spaces.push(Name);
        return;
      case 'Function':
        this.#function = { id: Id, name: Name, space: this.#spaces.at(-1) ?? '', addresses: [] };
        bound(project.functions.push(this.#function), FUNCTIONS_MAX, 'functions');
        return;
      case 'GroupAddressRef':
        this.#function?.addresses.push({ id: shortId(RefId), role: Role });
        this.#references += 1;
        bound(this.#references, REFERENCES_MAX, 'references');
        return;
      case 'GroupRange':
        this.#ranges.push(this.#range(Name, attributes['RangeEnd']));
        return;
      case 'GroupAddress':
        this.#address(attributes, line);
    }
  }

  #close(element: string): void {
    this.#devices.close(element);
    if (element === 'GroupRange') this.#ranges.pop();
    else if (element === 'Space' || element === 'BuildingPart') this.#spaces.pop();
    else if (element === 'Function') this.#function = undefined;
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

  #bound(count: number, most: number, line: number, what: string): void {
    if (count > most) throw this.#broken(line, `more than ${most} ${what}`);
  }

  #broken(line: number, what: string): AddonError {
    return this.#reader.broken(line, what);
  }
}
