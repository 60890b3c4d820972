/**
 * One cluster of an endpoint: its attributes, and what it does with commands. Devices build on it with attributes of
 * their own; clusters that do more are in files of their own.
 */
import type { ByteReader } from '../bytes.ts';
import type { Value } from './data-types.ts';

export interface Attribute {
  id: number;
  type: number;
  value: Value;
  writable?: boolean;
  manufacturerCode?: number;
  /** Bounds of a number that may be written; outside it is refused with INVALID_VALUE. */
  min?: number;
  max?: number;
}

export interface CommandContext {
  payload: ByteReader;
  manufacturerCode: number | undefined;
  /** True for a command to a group or to everybody: nothing is answered then. */
  multicast: boolean;
  groupId: number;
}

/** A status becomes a default response; a reply is a command of this cluster, back to the sender. */
export type CommandResult = number | { command: number; payload: Buffer };

export class Cluster {
  readonly id: number;
  readonly #attributes = new Map<string, Attribute>();
  /** Told of every change of a value, with the value before. */
  onChange: ((attribute: Attribute, before: Value) => void) | undefined;
  /** Told of every attribute that was written over the air. */
  onWrite: ((attribute: Attribute) => void) | undefined;

  constructor(id: number, attributes: readonly Attribute[] = []) {
    this.id = id;
    for (const attribute of attributes)
      this.#attributes.set(key(attribute.id, attribute.manufacturerCode), attribute);
  }

  attribute(id: number, manufacturerCode?: number): Attribute | undefined {
    return this.#attributes.get(key(id, manufacturerCode));
  }

  attributes(): Attribute[] {
    return [...this.#attributes.values()];
  }

  get(id: number, manufacturerCode?: number): Value {
    return this.#known(id, manufacturerCode).value;
  }

  number(id: number): number {
    return Number(this.get(id));
  }

  set(id: number, value: Value, manufacturerCode?: number): void {
    const attribute = this.#known(id, manufacturerCode);
    const before = attribute.value;
    attribute.value = value;
    if (!same(before, value)) this.onChange?.(attribute, before);
  }

  /** Sets a value without telling anybody of the change. */
  put(id: number, value: Value, manufacturerCode?: number): void {
    this.#known(id, manufacturerCode).value = value;
  }

  /** A command of this cluster has come. @returns undefined where the cluster does not know it */
  command(_id: number, _context: CommandContext): CommandResult | undefined {
    return undefined;
  }

  #known(id: number, manufacturerCode?: number): Attribute {
    const attribute = this.attribute(id, manufacturerCode);
    if (!attribute)
      throw new Error(`cluster 0x${this.id.toString(16)} has no attribute 0x${id.toString(16)}`);
    return attribute;
  }
}

function key(id: number, manufacturerCode: number | undefined): string {
  return `${manufacturerCode ?? ''}/${id}`;
}

function same(before: Value, after: Value): boolean {
  return Buffer.isBuffer(before) && Buffer.isBuffer(after) ? before.equals(after) : before === after;
}
