/**
 * Texts with places to fill in: `{name}`. One that depends on a number has a form for each of its language's plurals,
 * chosen by `count`. Pure.
 */
import type en from '../languages/en.ts';

/** A text by the plural that `count` has; `other` where the language has no more. */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
type Widened<T> = T extends string
  ? string
  : T extends { other: string }
    ? Plural
    : { [Key in keyof T]: Widened<T[Key]> };
/** What a language's file holds: the keys of the English one. */
export type Messages = Widened<typeof en>;

type Paths<T> = {
  [Key in keyof T & string]: T[Key] extends string | { other: string } ? Key : `${Key}.${Paths<T[Key]>}`;
}[keyof T & string];
/** `section.name` */
export type MessageKey = Paths<typeof en>;
export type Values = Readonly<Record<string, string | number>>;

interface Tree {
  readonly [key: string]: string | Tree;
}

/** The text of `key`, or the key itself where there is none. Numbers are written as `locale` has them. */
export function filled(messages: object, locale: string, key: string, values: Values = {}): string {
  let found: string | Tree | undefined = messages as Tree;
  for (const name of key.split('.')) found = typeof found === 'object' ? found[name] : undefined;
  if (typeof found === 'object') {
    const rule = new Intl.PluralRules(locale).select(Number(values['count'] ?? 0));
    found = found[rule] ?? found['other'];
  }
  if (typeof found !== 'string') return key;
  const numbers = new Intl.NumberFormat(locale);
  return found.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === 'number' ? numbers.format(value) : value;
  });
}
