/**
 * A `.knxproj`: a ZIP archive that is read where it lies. Nothing is ever unpacked to disk, so no name in it can lead
 * anywhere. Read are the project, its name, and the catalogues of the devices that it uses, each within a bound that holds
 * for what really comes out.
 */
import { AddonError } from '@gate/addon-sdk';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { type CatalogueFiles, type CatalogueReport, completeObjects } from './object-catalogue.ts';
import { type Project, ProjectXml } from './project-xml.ts';
import { XmlReader } from './xml-reader.ts';

/** Files in one archive: ETS adds a dozen for each make of devices. */
export const ENTRIES_MAX = 20_000;
/** Of one file, unpacked. A project of 10,000 addresses has some 20 MB. */
export const UNPACKED_MAX_BYTES = 128 * 1024 * 1024;
/** How many times larger than packed a file may be that is larger than this: XML shrinks to a tenth or twentieth. */
export const RATIO_MAX = 200;
const RATIO_FROM_BYTES = 16 * 1024 * 1024;

const HINT = 'export the project again in ETS, without a password, and send the .knxproj as it is';
const CONTENT = /^(P-[0-9A-F]{4,8})\/0\.xml$/i;
const ABOUT = /^P-[0-9A-F]{4,8}\/project\.xml$/i;
/** The project, encrypted, in an archive of its own. */
const PROTECTED = /^(P-[0-9A-F]{4,8})\.zip$/i;

/** In the manufacturers' folders: `M-0083/Hardware.xml`, `M-0083/M-0083_A-0013-11-A9D6.xml`. */
const CATALOGUE = /^(M-[0-9A-F]{4})\/(Hardware|\1_A-[^/]+)\.xml$/i;

/** The project, its name, and what became of the catalogues. @throws AddonError badRequest saying what is wrong where; `signal`'s reason */
export async function readProjectArchive(
  path: string,
  signal: AbortSignal,
): Promise<{ name: string; project: Project; catalogues: CatalogueReport }> {
  const archive = await yauzl
    .openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true })
    .catch((error: Error) => {
      throw broken(error.message, error);
    });
  try {
    const { content, about, catalogues } = await entriesOf(archive);
    const xml = new ProjectXml(`the project (${content.fileName})`);
    await readEntry(archive, content, { write: (text) => xml.write(text), signal });
    const project = xml.end();
    const name = about ? await nameIn(archive, about, signal) : '';
    const files = catalogueFiles(archive, catalogues, signal);
    const report = await completeObjects(project.devices, files);
    // one that was broken off by the caller is no broken catalogue
    signal.throwIfAborted();
    return { name, project, catalogues: report };
  } finally {
    archive.close();
  }
}

function catalogueFiles(
  archive: ZipFile,
  entries: ReadonlyMap<string, Entry>,
  signal: AbortSignal,
): CatalogueFiles {
  return {
    bytesOf: (name) => entries.get(name)?.uncompressedSize,
    async read(name, write) {
      const entry = entries.get(name);
      if (entry === undefined) throw broken(`there is no ${name} in it`);
      await readEntry(archive, entry, { write, signal });
    },
  };
}

interface Entries {
  content: Entry;
  about: Entry | undefined;
  /** By their names. */
  catalogues: Map<string, Entry>;
}

async function entriesOf(archive: ZipFile): Promise<Entries> {
  if (archive.entryCount > ENTRIES_MAX) throw broken(`it has more than ${ENTRIES_MAX} files`);
  const contents: Entry[] = [];
  let about: Entry | undefined;
  const catalogues = new Map<string, Entry>();
  let locked: string | undefined;
  try {
    for await (const entry of archive.eachEntry()) {
      if (CONTENT.test(entry.fileName)) contents.push(entry);
      if (ABOUT.test(entry.fileName)) about = entry;
      if (CATALOGUE.test(entry.fileName)) catalogues.set(entry.fileName, entry);
      locked ??= PROTECTED.exec(entry.fileName)?.[1];
    }
  } catch (error) {
    throw broken((error as Error).message, error);
  }
  const [content, second] = contents;
  if (second) throw broken('it holds more than one project');
  if (content?.isEncrypted()) locked = CONTENT.exec(content.fileName)?.[1];
  if (content && !content.isEncrypted()) return { content, about, catalogues };
  if (locked === undefined) throw broken('it is no project of ETS: there is no P-…/0.xml in it');
  throw new AddonError(
    'badRequest',
    `the project ${locked} is protected by a password, which gate cannot open`,
    {
      hint: 'in ETS take the password off the project and export it again, or export its group addresses as XML',
    },
  );
}

async function nameIn(archive: ZipFile, entry: Entry, signal: AbortSignal): Promise<string> {
  let name = '';
  const reader = new XmlReader(`the project (${entry.fileName})`, HINT, {
    open(element, { Name = '' }) {
      if (element === 'ProjectInformation') name ||= Name;
    },
  });
  await readEntry(archive, entry, { write: (text) => reader.write(text), signal });
  reader.end();
  return name.slice(0, 200);
}

/** Until `write` answers true: then it is enough. */
async function readEntry(
  archive: ZipFile,
  entry: Entry,
  { write, signal }: { write: (text: string) => unknown; signal: AbortSignal },
): Promise<void> {
  const { fileName, uncompressedSize, compressedSize } = entry;
  // what comes out is held against what is announced while it is read
  const most = Math.min(UNPACKED_MAX_BYTES, Math.max(compressedSize * RATIO_MAX, RATIO_FROM_BYTES));
  if (uncompressedSize > most) {
    throw broken(`${fileName} would unpack to ${uncompressedSize} bytes; at most ${most} are taken`);
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    const stream = await archive.openReadStreamPromise(entry);
    for await (const chunk of stream) {
      signal.throwIfAborted();
      if (write(decoder.decode(chunk as Buffer, { stream: true })) === true) return;
    }
    write(decoder.decode());
  } catch (error) {
    if (error instanceof AddonError) throw error;
    throw broken(`${fileName}: ${(error as Error).message}`, error);
  }
}

function broken(what: string, cause?: unknown): AddonError {
  return new AddonError('badRequest', `the project cannot be read: ${what}`, { hint: HINT, cause });
}
