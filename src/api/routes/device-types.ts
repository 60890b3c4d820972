/**
 * The catalogue of device types ("Get all types", "Get type by id"). Thousands of types cost their serialisation
 * once for each change of the catalogue, and a caller that has them nothing but a 304.
 */
import * as v from 'valibot';
import type { CatalogueEntry, TypeCatalogue } from '../../core/devices/type-catalogue.ts';
import { GatewayError } from '../../model/error.ts';
import { whole } from '../query-values.ts';
import {
  answerHeld,
  answerUnchanged,
  heldHeaders,
  notModified,
  type Representation,
  represent,
} from '../representation.ts';
import {
  typeName,
  typeNameSchema,
  typeView,
  typeViewSchema,
  wholeType,
  wholeTypeSchema,
} from '../views/type-view.ts';
import type { Routes } from './router.ts';

const section = 'Types';
const TYPES = '/device/v1/types';
const PER_PAGE_DEFAULT = 100;
const PER_PAGE_MAX = 1_000;
/** Nine digits: far past any page there can be, and still exact when multiplied. */
const PAGE_MAX = 999_999_999;
const TEXT_MAX_CHARS = 200;

const text = (description: string) =>
  v.pipe(
    v.string(),
    v.maxLength(TEXT_MAX_CHARS, `may have ${TEXT_MAX_CHARS} characters at most`),
    v.description(description),
  );
export const typeQuery = v.object({
  q: v.optional(text('Words, all of which are in manufacturer, model or description')),
  manufacturer: v.optional(text('That manufacturer; case does not matter')),
  protocol: v.optional(text('Id or slug of a protocol')),
  page: v.optional(whole('must be a whole number from 1', 1, PAGE_MAX, 'From 1; without it, every type')),
  perPage: v.optional(
    whole(`must be a whole number from 1 to ${PER_PAGE_MAX}`, 1, PER_PAGE_MAX, 'Types on one page'),
  ),
});
export type TypeQuery = v.InferOutput<typeof typeQuery>;

/** The entries that `query` asks for: all of them without a page. */
export function selectTypes(
  types: readonly CatalogueEntry[],
  { q, manufacturer, protocol, page, perPage }: TypeQuery,
): CatalogueEntry[] {
  const words = lower(q ?? '')
    .split(/\s+/)
    .filter((word) => word !== '');
  const found = types.filter(
    (type) =>
      (manufacturer === undefined || lower(type.manufacturer) === lower(manufacturer)) &&
      (protocol === undefined || type.protocol === protocol || type.protocols.includes(protocol)) &&
      (words.length === 0 || hasAll(type, words)),
  );
  if (page === undefined && perPage === undefined) return found;
  const size = perPage ?? PER_PAGE_DEFAULT;
  const from = ((page ?? 1) - 1) * size;
  return found.slice(from, from + size);
}

function hasAll({ manufacturer, model, description }: CatalogueEntry, words: readonly string[]): boolean {
  const searched = lower(`${manufacturer} ${model} ${description}`);
  return words.every((word) => searched.includes(word));
}

function lower(words: string): string {
  return words.toLowerCase();
}

export function addTypeRoutes(routes: Routes, { types }: { types: TypeCatalogue }): void {
  const everyType = new EveryType(types, typeView);
  const everyName = new EveryType(types, typeName);

  routes.add({
    method: 'GET',
    path: '/device/v1/type-names',
    name: 'listTypeNames',
    section,
    summary: 'Get what all types are found by',
    description:
      'A quarter of the size of the types themselves: for a search where somebody types. Compressed as `Accept-Encoding` has it.',
    right: 'read',
    headers: heldHeaders,
    compressed: true,
    answers: {
      200: { says: 'The names', json: v.array(typeNameSchema), headers: ['ETag', 'Cache-Control'] },
      ...notModified,
    },
    errors: ['unavailable'],
    handle: async ({ headers, context }) => {
      if (everyName.tag !== undefined && answerUnchanged(context, everyName.tag, headers)) return undefined;
      return answerHeld(context, await everyName.get(), headers);
    },
  });

  routes.add({
    method: 'GET',
    path: TYPES,
    name: 'listTypes',
    section,
    summary: 'Get all types',
    description: 'The device types of every add-on on the box. Compressed as `Accept-Encoding` has it.',
    right: 'read',
    query: typeQuery,
    headers: heldHeaders,
    compressed: true,
    answers: {
      200: { says: 'The types', json: v.array(typeViewSchema), headers: ['ETag', 'Cache-Control'] },
      ...notModified,
    },
    errors: ['unavailable'],
    handle: async ({ query, headers, context }) => {
      if (Object.keys(query).length > 0) {
        return answerHeld(context, represent(selectTypes(await types.list(), query).map(typeView)), headers);
      }
      // a caller that has them costs no look into their files
      if (everyType.tag !== undefined && answerUnchanged(context, everyType.tag, headers)) return undefined;
      return answerHeld(context, await everyType.get(), headers);
    },
  });

  routes.add({
    method: 'GET',
    path: `${TYPES}/:typeId`,
    name: 'getType',
    section,
    summary: 'Get a type by id',
    description: 'With what its devices can be told, as `settable`, where the add-on says it.',
    right: 'read',
    headers: heldHeaders,
    compressed: true,
    answers: {
      200: { says: 'The type', json: wholeTypeSchema, headers: ['ETag', 'Cache-Control'] },
      ...notModified,
    },
    errors: ['notFound', 'unavailable'],
    handle: async ({ path, headers, context }) => {
      const entry = await types.whole(path.typeId);
      if (!entry) {
        throw new GatewayError('notFound', `there is no device type "${path.typeId}"`, {
          hint: 'GET /device/v1/types lists them',
        });
      }
      return answerHeld(context, represent(wholeType(entry)), headers);
    },
  });
}

/**
 * The whole catalogue. Of each of its versions the tag is kept; the text, megabytes with thousands of types, only
 * for as long as memory is not needed.
 */
class EveryType {
  readonly #types: TypeCatalogue;
  readonly #view: (entry: CatalogueEntry) => unknown;
  #made: { version: number; tag: string; body: WeakRef<Buffer> } | undefined;

  constructor(types: TypeCatalogue, view: (entry: CatalogueEntry) => unknown) {
    this.#types = types;
    this.#view = view;
  }

  /** Undefined before it was made. */
  get tag(): string | undefined {
    return this.#made?.version === this.#types.version ? this.#made.tag : undefined;
  }

  async get(): Promise<Representation> {
    const { version } = this.#types;
    const body = this.#made?.version === version ? this.#made.body.deref() : undefined;
    if (this.#made && body) return { body, tag: this.#made.tag };
    const made = represent((await this.#types.list()).map(this.#view));
    this.#made = { version, tag: made.tag, body: new WeakRef(made.body) };
    return made;
  }
}
