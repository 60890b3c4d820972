/**
 * The group address export of ETS as CSV: with a line of titles, separated by comma, semicolon or tab. "3/1" has one
 * column of names for each level and the address beside, "1/1" one column of names. Ranges are lines too, with `-` in place
 * of the lower levels.
 */
import { AddonError } from '@gate/addon-sdk';
import { type EtsGroup, type EtsGroupAddress, NO_RANGE, rangeGroup } from './group-address.ts';

const SEPARATORS = [';', '\t', ','] as const;
const RANGE = /-/;

/** @throws AddonError badRequest, naming the line */
export function readCsvExport(text: string): EtsGroupAddress[] {
  const [first, ...rows] = rowsOf(text.replace(/^\uFEFF/, ''));
  const titles = first?.fields.map((title) => title.trim().toLowerCase().replace(/[\s_]/g, '')) ?? [];
  const addressAt = titles.indexOf('address');
  const dptAt = titles.indexOf('datapointtype');
  if (first === undefined || addressAt < 1) {
    throw broken(1, 'there is no line of titles with a column "Address"');
  }
  const securityAt = titles.indexOf('security');
  const ranges: EtsGroup[] = [];
  const found: EtsGroupAddress[] = [];
  for (const { fields, line } of rows) {
    const address = fields[addressAt]?.trim() ?? '';
    if (address === '') throw broken(line, 'the column "Address" is empty');
    // the names stand before the address: one column, or one for each level
    const names = fields.slice(0, addressAt).map((name) => name.trim());
    const name = names.findLast((each) => each !== '') ?? '';
    if (RANGE.test(address)) {
      const level = Math.max(
        1,
        address.split('/').findIndex((part) => part.includes('-')),
      );
      ranges.splice(level - 1, ranges.length, rangeGroup(name, level, endOf(address), address));
    } else {
      const dpt = fields[dptAt]?.trim() || undefined;
      const secured = fields[securityAt]?.trim() === 'On';
      found.push({ group: ranges.at(-1) ?? NO_RANGE, name, address, dpt, secured, line });
    }
  }
  return found;
}

/** The last address of `1/-/-`, `1/2/-` or `1/-`; undefined for other forms. */
function endOf(range: string): number | undefined {
  const match = /^(\d+)\/(?:-(?:\/-)?|(\d+)\/-)$/.exec(range);
  if (!match) return undefined;
  const main = Number(match[1]) << 11;
  return match[2] === undefined ? main | 2_047 : main | (Number(match[2]) << 8) | 255;
}

interface Row {
  fields: string[];
  line: number;
}

/** RFC 4180, with the separator that the first line shows. */
function rowsOf(text: string): Row[] {
  const titles = text.slice(0, text.search(/\n|$/));
  const separator = SEPARATORS.find((each) => titles.includes(each)) ?? ',';
  const rows: Row[] = [];
  let row: Row = { fields: [], line: 1 };
  let [field, quoted, line] = ['', false, 1];
  const endField = () => {
    row.fields.push(field);
    field = '';
  };
  const endRow = () => {
    endField();
    if (row.fields.some((each) => each.trim() !== '')) rows.push(row);
    row = { fields: [], line };
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (character === '\n') line += 1;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === separator) endField();
    else if (character === '\n') endRow();
    else if (character !== '\r') field += character;
  }
  if (quoted) throw broken(row.line, 'a quotation mark is not closed');
  endRow();
  return rows;
}

function broken(line: number, what: string): AddonError {
  return new AddonError('badRequest', `the group address export cannot be read: line ${line}: ${what}`, {
    hint: 'export the group addresses again in ETS, as XML or as CSV with a header line, and send the file as it is',
  });
}
