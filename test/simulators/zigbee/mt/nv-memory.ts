/**
 * The non-volatile memory of the stick: numbered items, and tables whose entries are addressed by (system, item, sub-item).
 * With a file it outlives the process, as flash outlives a power cut; the file is JSON with hexadecimal bytes.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export class NvMemory {
  readonly #items = new Map<string, Buffer>();
  readonly #file: string | undefined;
  #dirty = false;

  constructor(file?: string) {
    this.#file = file;
    if (file === undefined || !existsSync(file)) return;
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    for (const [key, hex] of Object.entries(stored)) this.#items.set(key, Buffer.from(hex, 'hex'));
  }

  get empty(): boolean {
    return this.#items.size === 0;
  }

  item(id: number): Buffer | undefined {
    return this.#items.get(String(id));
  }

  setItem(id: number, value: Buffer): void {
    this.#set(String(id), value);
  }

  deleteItem(id: number): void {
    this.#dirty = this.#items.delete(String(id)) || this.#dirty;
  }

  entry(table: number, index: number): Buffer | undefined {
    return this.#items.get(`${table}/${index}`);
  }

  setEntry(table: number, index: number, value: Buffer): void {
    this.#set(`${table}/${index}`, value);
  }

  deleteEntry(table: number, index: number): void {
    this.#dirty = this.#items.delete(`${table}/${index}`) || this.#dirty;
  }

  /** The entries of a table in order, up to the first that is missing. */
  entries(table: number): Buffer[] {
    const entries: Buffer[] = [];
    for (let index = 0; ; index += 1) {
      const entry = this.entry(table, index);
      if (!entry) return entries;
      entries.push(entry);
    }
  }

  /** Writes what has changed to the file, whole or not at all. */
  save(): void {
    if (this.#file === undefined || !this.#dirty) return;
    const stored: Record<string, string> = {};
    for (const [key, value] of this.#items) stored[key] = value.toString('hex');
    const temporary = `${this.#file}.new`;
    writeFileSync(temporary, JSON.stringify(stored));
    renameSync(temporary, this.#file);
    this.#dirty = false;
  }

  #set(key: string, value: Buffer): void {
    this.#items.set(key, Buffer.from(value));
    this.#dirty = true;
  }
}
