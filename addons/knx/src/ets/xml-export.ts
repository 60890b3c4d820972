/**
 * The group address export of ETS as XML (`GroupAddress-Export`, namespace http://knx.org/xml/ga-export/01): ranges that
 * hold ranges and addresses, everything in attributes.
 */
import { type EtsGroup, type EtsGroupAddress, NO_RANGE, rangeGroup } from './group-address.ts';
import { XmlReader } from './xml-reader.ts';

const ROOT = 'GroupAddress-Export';
const HINT = 'export the group addresses again in ETS, as XML or CSV, and send the file as it is';

/** @throws AddonError badRequest, naming the line */
export function readXmlExport(text: string): EtsGroupAddress[] {
  const ranges: EtsGroup[] = [];
  const found: EtsGroupAddress[] = [];
  let begun = false;
  const reader: XmlReader = new XmlReader('the group address export', HINT, {
    open(element, attributes, line) {
      if (!begun && element !== ROOT) throw reader.broken(line, `<${element}> in place of <${ROOT}>`);
      begun = true;
      const { Name = '', Address = '', DPTs = '', RangeEnd, Security = '' } = attributes;
      if (element === 'GroupRange') {
        const path = [...ranges.map(({ name }) => name), Name].join('/');
        const end = RangeEnd === undefined ? undefined : Number(RangeEnd);
        ranges.push(rangeGroup(Name, ranges.length + 1, end, path));
      }
      if (element !== 'GroupAddress') return;
      found.push({
        group: ranges.at(-1) ?? NO_RANGE,
        name: Name,
        address: Address,
        // the type of the address itself comes last, behind those of its objects
        dpt: DPTs.split(',').at(-1)?.trim() || undefined,
        secured: Security === 'On',
        line,
      });
    },
    close(element) {
      if (element === 'GroupRange') ranges.pop();
    },
  });
  reader.write(text.replace(/^\uFEFF/, ''));
  reader.end();
  return found;
}
