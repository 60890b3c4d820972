/** Characters and texts: DPT 4 and 16; subtype 1 of DPT 16 and 2 of DPT 4 are ISO 8859-1, the others ASCII. */
import type { ValueCodec } from './codec.ts';

const TEXT_BYTES = 14;

function text(bytes: number, latin: boolean): ValueCodec {
  const highest = latin ? 0xff : 0x7f;
  const [name, more] = [latin ? 'ISO 8859-1' : 'ASCII', latin ? '' : ' (16.001 takes é, ß and the like)'];
  return {
    bits: bytes * 8,
    takes: `${bytes === 1 ? 'one character' : `at most ${bytes} characters`} of ${name}${more}`,
    encode(value) {
      if (typeof value !== 'string' || value.length > bytes || (bytes === 1 && value.length !== 1))
        return undefined;
      const codes = [...value].map((each) => each.codePointAt(0) as number);
      // a NUL would end the text early
      if (codes.some((code) => code > highest || (code === 0 && bytes > 1))) return undefined;
      return Buffer.concat([Buffer.from(codes), Buffer.alloc(bytes - codes.length)]);
    },
    decode(raw) {
      const end = bytes === 1 ? -1 : raw.indexOf(0);
      const used = raw.subarray(0, end === -1 ? raw.length : end);
      // some devices send ISO 8859-1 where ASCII was agreed on: nothing is gained by refusing it
      return used.toString('latin1');
    },
  };
}

export const TEXTS: Readonly<Record<number, (subtype: number | undefined) => ValueCodec>> = {
  4: (subtype) => text(1, subtype === 2),
  16: (subtype) => text(TEXT_BYTES, subtype === 1),
};
