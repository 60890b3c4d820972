/**
 * Types and flags of objects as their manufacturers' catalogues in the archive have them: `M-…/Hardware.xml` says which
 * program a device runs, `M-…/M-…_A-….xml` which objects that has. By published knowledge of the format. A catalogue that
 * is missing or broken leaves its objects as the project has them, and is named.
 */
import { firstOf, flagsOf, type ProjectDevice, type ProjectObject } from './project-devices.ts';
import { type Attributes, XmlReader } from './xml-reader.ts';

/** Of all catalogues of one project, unpacked: they are read at some 24 MB/s, and an import ends after 120 s. */
export const CATALOGUES_MAX_BYTES = 256 * 1024 * 1024;
/** Of one program. */
const OBJECTS_MAX = 200_000;
/** With its program: until ETS 5.6. */
const FULL_REF = /^(M-[0-9A-F]{4}_A-[^_]+)_/i;
const MANUFACTURER = /^M-[0-9A-F]{4}/i;

/** The archive, as far as it is needed. */
export interface CatalogueFiles {
  /** Unpacked; undefined where there is none of this name. */
  bytesOf: (name: string) => number | undefined;
  /** Until `write` answers that it is enough. @throws AddonError when it is broken */
  read: (name: string, write: (text: string) => boolean) => Promise<void>;
}

export interface CatalogueReport {
  /** How many programs were read. */
  read: number;
  /** Files that could not be used. */
  leftOut: string[];
}

/** Completes types and flags of all linked objects. */
export async function completeObjects(
  devices: readonly ProjectDevice[],
  files: CatalogueFiles,
): Promise<CatalogueReport> {
  const report: CatalogueReport = { read: 0, leftOut: [] };
  let bytes = 0;
  const read = async (name: string, { write, end }: CatalogueWriter) => {
    const size = files.bytesOf(name) ?? Number.POSITIVE_INFINITY;
    try {
      if (bytes + size > CATALOGUES_MAX_BYTES) throw new Error('missing, or too large');
      bytes += size;
      await files.read(name, write);
      end();
      return true;
    } catch {
      report.leftOut.push(name);
      return false;
    }
  };
  const programs = new Map<string, string>();
  for (const manufacturer of new Set(devices.flatMap(manufacturerOf))) {
    await read(`${manufacturer}/Hardware.xml`, hardwareReader(programs));
  }
  for (const [program, wanted] of objectsByProgram(devices, programs)) {
    const name = `${program.slice(0, 'M-0000'.length)}/${program}.xml`;
    if (await read(name, programReader(wanted))) report.read += 1;
  }
  return report;
}

/** Whose catalogue says which program a device runs. */
function manufacturerOf({ hardwareProgram, objects }: ProjectDevice): string[] {
  if (objects.length === 0 || objects.every(({ ref }) => FULL_REF.test(ref))) return [];
  return MANUFACTURER.exec(hardwareProgram) ?? [];
}

/** `programs`: from hardware with a program to that. */
function hardwareReader(programs: Map<string, string>): CatalogueWriter {
  let hardware = '';
  return writerOf((element, { Id = '', RefId = '' }) => {
    if (element === 'Hardware2Program') hardware = Id;
    if (element === 'ApplicationProgramRef') programs.set(hardware, RefId);
  });
}

type Wanted = Map<string, ProjectObject[]>;

function objectsByProgram(
  devices: readonly ProjectDevice[],
  programs: ReadonlyMap<string, string>,
): Map<string, Wanted> {
  const all = new Map<string, Wanted>();
  for (const { hardwareProgram, objects } of devices) {
    for (const object of objects) {
      const full = FULL_REF.exec(object.ref)?.[1];
      const program = full ?? programs.get(hardwareProgram);
      if (program === undefined) continue;
      const id = full ? object.ref : `${program}_${withoutInstance(object.ref)}`;
      const wanted = all.get(program) ?? new Map<string, ProjectObject[]>();
      all.set(program, wanted);
      wanted.set(id, [...(wanted.get(id) ?? []), object]);
    }
  }
  return all;
}

/** `MD-4_SM-1_O-3-1_R-2` of `MD-4_M-15_MI-1_SM-1_M-1_MI-1-1-2_SM-1_O-3-1_R-2`: the module, without its instance in a device. */
function withoutInstance(ref: string): string {
  const parts = ref.split('_');
  const at = parts.findIndex((part) => part.startsWith('O-'));
  if (at < 1) return ref;
  const module = parts[0]?.startsWith('MD-') ? [parts[0]] : [];
  const inner = parts[at - 1]?.startsWith('SM-') ? [parts[at - 1]] : [];
  return [...module, ...inner, ...parts.slice(at)].join('_');
}

/** Objects stand before the references to them, and are often more than are wanted. */
function programReader(wanted: Wanted): CatalogueWriter {
  const objects = new Map<string, Attributes>();
  let missing = wanted.size;
  return writerOf(
    (element, attributes) => {
      const { Id = '', RefId = '' } = attributes;
      if (element === 'ComObject' && objects.size < OBJECTS_MAX) objects.set(Id, attributes);
      if (element !== 'ComObjectRef' || !wanted.has(Id)) return;
      for (const object of wanted.get(Id) ?? []) complete(object, attributes, objects.get(RefId) ?? {});
      missing -= 1;
    },
    () => missing <= 0,
  );
}

/** What is nearer to the device counts: the device itself, its program's reference, its program's object. */
function complete(object: ProjectObject, reference: Attributes, base: Attributes): void {
  object.dpt ??= firstOf(reference['DatapointType']) ?? firstOf(base['DatapointType']);
  object.size = reference['ObjectSize'] ?? base['ObjectSize'];
  const [near, far] = [flagsOf(reference), flagsOf(base)];
  for (const flag of ['read', 'write', 'transmit'] as const) object.flags[flag] ??= near[flag] ?? far[flag];
}

interface CatalogueWriter {
  /** Answers whether it was enough. */
  write: (text: string) => boolean;
  /** Nothing more comes. @throws AddonError when that was too early */
  end: () => void;
}

function writerOf(
  open: (element: string, attributes: Attributes) => void,
  enough: () => boolean = () => false,
): CatalogueWriter {
  const reader = new XmlReader('a catalogue', '', { open });
  return {
    write(text) {
      reader.write(text);
      return enough();
    },
    end() {
      if (!enough()) reader.end();
    },
  };
}
