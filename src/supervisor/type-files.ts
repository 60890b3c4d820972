/**
 * The device types that an add-on's manifest lists, or that lie in files beside it: with thousands of them they are read
 * when somebody asks, and of one type only its line.
 */
import { stat } from 'node:fs/promises';
import * as v from 'valibot';
import type { Manifest } from '../contract/manifest.ts';
import type { TypeSource, TypesOfProtocol } from '../core/devices/type-catalogue.ts';
import { type DeviceType, deviceTypeSchema, sharedSettableSchema } from '../model/device-type.ts';
import { parseWith } from '../model/parse.ts';
import { parseJson, readBounded } from './addon-file.ts';
import { realInnerPath } from './inner-path.ts';

const TYPES_MAX_BYTES = 64 * 1024 * 1024;
/** A file of types larger than this is read when somebody asks for the types, and checked then. */
const TYPES_AT_ONCE_MAX_BYTES = 256 * 1024;

/** @throws Error naming the file that is missing, wrong or not the add-on's */
export async function readTypes(folder: string, types: Manifest['types']): Promise<TypesOfProtocol> {
  if (Array.isArray(types)) return types;
  const { file, settable, defaults } = types;
  const { path, read } = await opened(folder, file);
  // in place: with thousands of types every copy is megabytes
  const complete = (type: DeviceType) => {
    type.addOn ??= defaults.addOn;
    type.parameters ??= defaults.parameters;
    return type;
  };
  const parse = (text: string) =>
    parseWith(v.array(deviceTypeSchema), parseJson(text, file), file).map(complete);
  const load = async () => parse(await read());
  const find = async (typeId: string) => {
    const text = await read();
    if (!text.includes(JSON.stringify(typeId))) return undefined;
    const line = lineOf(text, `"id":${JSON.stringify(typeId)}`, deviceTypeSchema);
    return line?.id === typeId ? complete(line) : parse(text).find(({ id }) => id === typeId);
  };
  if (settable !== undefined) return { load, find, settable: await settableIn(folder, settable) };
  return (await stat(path)).size > TYPES_AT_ONCE_MAX_BYTES ? { load, find } : load();
}

async function settableIn(folder: string, file: string): Promise<NonNullable<TypeSource['settable']>> {
  const { read } = await opened(folder, file);
  return async (typeId) => {
    const text = await read();
    const line = lineOf(text, JSON.stringify(typeId), sharedSettableSchema);
    if (line?.types.includes(typeId)) return line.settable;
    if (!text.includes(JSON.stringify(typeId))) return undefined;
    const all = parseWith(v.array(sharedSettableSchema), parseJson(text, file), file);
    return all.find(({ types }) => types.includes(typeId))?.settable;
  };
}

/** @throws Error when there is none, or it leads outside the folder */
async function opened(folder: string, file: string) {
  const path = await realInnerPath(folder, file);
  const missing = () => new Error(`its file of types, ${file}, is not there`);
  if (path === undefined) throw missing();
  const read = async () => {
    const text = await readBounded(path, TYPES_MAX_BYTES);
    if (text === undefined) throw missing();
    return text;
  };
  return { path, read };
}

/** Most large files have one entry a line: then the line with `words` is all that is looked at. Undefined where it is none. */
function lineOf<Schema extends v.GenericSchema>(
  text: string,
  words: string,
  schema: Schema,
): v.InferOutput<Schema> | undefined {
  const at = text.indexOf(words);
  if (at < 0) return undefined;
  const end = text.indexOf('\n', at);
  const line = text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? undefined : end).replace(/,\s*$/, '');
  try {
    return v.parse(schema, JSON.parse(line));
  } catch {
    return undefined;
  }
}
