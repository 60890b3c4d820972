/**
 * A file of ETS as a preview of devices; nothing is created. Taken are group address exports, XML or CSV, as text or as a
 * file, and whole projects (`.knxproj`) without a password as a file. What it is shows in its first bytes.
 */
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AddonError, type JsonObject, type JsonValue } from '@gate/addon-sdk';
import { readCsvExport } from './csv-export.ts';
import { devicesOutOf } from './device-preview.ts';
import type { EtsGroupAddress } from './group-address.ts';
import { GROUPINGS, type Grouping, groupedAddresses } from './project-grouping.ts';
import { STATUS_SOURCES, type StatusSource, withStatusAddresses } from './status-preview.ts';
import { readXmlExport } from './xml-export.ts';

/** Largest group address export: 65,535 addresses have some 12 MB. */
export const EXPORT_MAX_BYTES = 16 * 1024 * 1024;
/** Devices of one answer, as JSON: it has to fit a packet, and a request that makes devices of it. */
export const ANSWER_MAX_BYTES = 800_000;
/** Problems, and status addresses, that one answer names. */
export const PROBLEMS_MAX = 500;
/** Catalogues that could not be used, as they are named. */
const LEFT_OUT_MAX = 20;
const ZIP = 'PK\u0003\u0004';
/** Given by the gateway to what was sent. */
const FILE = /^[\w-]{1,64}$/;

export interface ImportPlace {
  /** Where the gateway puts what was sent. */
  uploadsFolder: string;
  signal: AbortSignal;
}

interface Source extends JsonObject {
  kind: 'project' | 'xml' | 'csv';
}

/**
 * `content`, the text of an export, or `file`, the name of what was sent. The answer: `{source, devices, total, next?, statusAddresses, problems,
 * problemsLeftOut}`, `devices` from the one numbered `from`; `next` is where to go on. @throws AddonError badRequest for a file that is none
 */
export async function previewOf(params: JsonObject, place: ImportPlace): Promise<JsonValue> {
  const { from = 0 } = params;
  const { status = 'project' } = params;
  if (!STATUS_SOURCES.includes(status as StatusSource))
    throw bad(`"status" must be one of ${STATUS_SOURCES.join(', ')}`);
  const { source, addresses: read } = await readAddresses(params, place);
  const { addresses, statusAddresses } = withStatusAddresses(read, status as StatusSource);
  const { devices, problems } = devicesOutOf(addresses);
  const first = typeof from === 'number' ? from : 0;
  let [next, bytes] = [first, 0];
  for (; next < devices.length; next += 1) {
    bytes += Buffer.byteLength(JSON.stringify(devices[next])) + 1;
    if (bytes > ANSWER_MAX_BYTES && next > first) break;
  }
  return {
    source,
    devices: devices.slice(first, next),
    total: devices.length,
    ...(next < devices.length ? { next } : {}),
    statusAddresses: statusAddresses.slice(0, PROBLEMS_MAX),
    problems: problems.slice(0, PROBLEMS_MAX),
    problemsLeftOut: Math.max(0, problems.length - PROBLEMS_MAX),
  };
}

async function readAddresses(
  { content, file, by }: JsonObject,
  { uploadsFolder, signal }: ImportPlace,
): Promise<{ source: Source; addresses: EtsGroupAddress[] }> {
  if ((content === undefined) === (file === undefined)) {
    throw bad(
      'either "content" or "file" is needed',
      'the text of an export, or the name that sending a file has answered',
    );
  }
  if (by !== undefined && !GROUPINGS.includes(by as Grouping))
    throw bad(`"by" must be one of ${GROUPINGS.join(', ')}`);
  if (file === undefined) return fromExport(String(content), by);
  if (typeof file !== 'string' || !FILE.test(file)) throw bad('"file" is no name of a file that was sent');
  const path = join(uploadsFolder, file);
  const beginning = await firstBytes(path);
  if (beginning !== ZIP) return fromExport(await textIn(path), by);
  const { readProjectArchive } = await import('./project-archive.ts');
  const { name, project, catalogues } = await readProjectArchive(path, signal);
  const { id, createdBy, schema, functions } = project;
  const grouping = (by as Grouping | undefined) ?? (functions.length > 0 ? 'function' : 'range');
  const { read, leftOut } = catalogues;
  const programs = { read, leftOut: leftOut.slice(0, LEFT_OUT_MAX) };
  const source: Source = { kind: 'project', id, name, createdBy, schema, by: grouping, programs };
  return { source, addresses: groupedAddresses(project, grouping) };
}

function fromExport(
  text: string,
  by: JsonValue | undefined,
): { source: Source; addresses: EtsGroupAddress[] } {
  if (text.trim() === '') throw bad('the file is empty');
  if (by === 'function' || by === 'device') {
    throw bad(
      `an export of group addresses knows no ${by}s`,
      'leave "by" out, or send the whole project (.knxproj)',
    );
  }
  const isXml = /^[\uFEFF\s]*</.test(text);
  const addresses = isXml ? readXmlExport(text) : readCsvExport(text);
  return { source: { kind: isXml ? 'xml' : 'csv', by: 'range' }, addresses };
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => {
    throw bad('there is no such file any more', 'what was sent is kept for an hour: send it again');
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** ETS writes CSV as UTF-8, as UTF-16 or in the code page of Windows. */
async function textIn(path: string): Promise<string> {
  const { size } = await stat(path);
  if (size > EXPORT_MAX_BYTES)
    throw bad(`an export may have at most ${EXPORT_MAX_BYTES} bytes, this one has ${size}`);
  const bytes = await readFile(path);
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function bad(message: string, hint?: string): AddonError {
  return new AddonError('badRequest', message, { hint });
}
