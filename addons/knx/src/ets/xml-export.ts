/**
 * The group address export of ETS as XML (`GroupAddress-Export`, namespace http://knx.org/xml/ga-export/01): ranges that
 * hold ranges and addresses, everything in attributes. A machine writes it, so elements and attributes are all that is read.
 */
import { AddonError } from '@gate/addon-sdk';
import type { EtsGroupAddress } from './group-address.ts';

const TAG = /<(\/?)([A-Za-z][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/g;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const IGNORED = /<\?[\s\S]*?\?>|<!--[\s\S]*?-->/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const DEPTH_MAX = 16;

/** @throws AddonError badRequest, naming the line */
export function readXmlExport(text: string): EtsGroupAddress[] {
  const clean = text.replace(IGNORED, (match) => match.replace(/[^\n]/g, ' '));
  const lineAt = lineCounter(clean);
  const open: { element: string; name: string }[] = [];
  const found: EtsGroupAddress[] = [];
  let at = 0;
  for (const match of clean.matchAll(TAG)) {
    const [whole, closing, element = '', attributes = '', empty] = match;
    refuseRest(clean.slice(at, match.index), lineAt(at));
    at = match.index + whole.length;
    const line = lineAt(match.index);
    if (open.length === 0 && element !== 'GroupAddress-Export')
      throw broken(line, `<${element}> stands alone`);
    if (closing) {
      if (open.pop()?.element !== element) throw broken(line, `</${element}> closes nothing`);
      continue;
    }
    const { Name = '', Address = '', DPTs = '' } = attributesOf(attributes);
    if (element === 'GroupAddress') {
      const ranges = open.filter((each) => each.element === 'GroupRange').map(({ name }) => name);
      // the type of the address itself comes last, behind those of its objects
      found.push({
        ranges,
        name: Name,
        address: Address,
        dpt: DPTs.split(',').at(-1)?.trim() || undefined,
        line,
      });
    }
    if (!empty) open.push({ element, name: Name });
    if (open.length > DEPTH_MAX) throw broken(line, `nested more than ${DEPTH_MAX} deep`);
  }
  refuseRest(clean.slice(at), lineAt(at));
  if (open.length > 0)
    throw broken(lineAt(clean.length), `<${open.at(-1)?.element}> is not closed: the file is cut off`);
  return found;
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(ATTRIBUTE)].map(([, name = '', first, second]) => [
    name,
    decoded(first ?? second ?? ''),
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,4}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const code = Number.parseInt(decimal ?? hex, decimal === undefined ? 16 : 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

/** Between elements there is white space only, or something is broken there. */
function refuseRest(rest: string, line: number): void {
  const at = rest.search(/[^\s\uFEFF]/);
  if (at === -1) return;
  const before = rest.slice(0, at).split('\n').length - 1;
  throw broken(line + before, `"${rest.slice(at, at + 40).replace(/\s+/g, ' ')}" makes no sense here`);
}

/** For positions that only grow. */
function lineCounter(text: string): (position: number) => number {
  let [line, counted] = [1, 0];
  return (position) => {
    for (; counted < position; counted += 1) if (text.charCodeAt(counted) === 10) line += 1;
    return line;
  };
}

function broken(line: number, what: string): AddonError {
  return new AddonError('badRequest', `the group address export cannot be read: line ${line}: ${what}`, {
    hint: 'export the group addresses again in ETS, as XML or CSV, and send the file as it is',
  });
}
