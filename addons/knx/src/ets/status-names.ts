/**
 * Status addresses that names suggest: "Hall light" and "Hall light status" in one main group, of one type. Names are
 * nobody's promise: this is a suggestion, and none where two could be meant.
 */
import type { EtsGroupAddress, StatusAddress } from './group-address.ts';
import { sameValue } from './value-types.ts';

/** In English, German, French, Italian, Spanish and Dutch, without accents. */
const STATUS_WORDS = new Set(
  'status state feedback actual ruckmeldung ruckmeldungen rueckmeldung rueckmeldungen rm zustand istwert etat retour stato estado terugmelding'.split(
    ' ',
  ),
);

/** By the address that is written to, as the file has it. */
export function statusByNames(given: readonly EtsGroupAddress[]): Map<string, StatusAddress> {
  const involved = new Set(given.flatMap(({ address, status }) => (status ? [address, status.address] : [])));
  const free = given
    .filter(({ address }) => !involved.has(address))
    .map((each) => ({ each, ...readName(each) }));
  const places = Map.groupBy(free, ({ each, base }) => `${mainGroupOf(each.address)} ${base}`);
  const found = new Map<string, StatusAddress>();
  for (const members of places.values()) {
    const states = members.filter(({ isState, each, base }) => isState && base !== '' && !each.secured);
    const commands = members.filter(({ isState }) => !isState);
    for (const { each: command } of commands) {
      const fitting = states.filter(({ each }) => sameValue(command.dpt, each.dpt));
      const [state] = fitting;
      const rivals = commands.filter(({ each }) => state && sameValue(each.dpt, state.each.dpt));
      if (state === undefined || fitting.length > 1 || rivals.length > 1) continue;
      found.set(command.address, { address: state.each.address, because: 'names' });
    }
  }
  return found;
}

/** The name without words for a state, and whether it, or the range that it lies in, has one. */
function readName({ name, group }: EtsGroupAddress): { base: string; isState: boolean } {
  const words = wordsOf(name);
  const rest = words.filter((word) => !STATUS_WORDS.has(word));
  const inRange = wordsOf(group.name).some((word) => STATUS_WORDS.has(word));
  return { base: rest.join(' '), isState: rest.length < words.length || inRange };
}

function wordsOf(name: string): string[] {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
}

/** `1/2/3`, `1/515` or one number. */
function mainGroupOf(address: string): number {
  const [first = '', ...rest] = address.split('/');
  return rest.length > 0 ? Number(first) : Number(first) >> 11;
}
