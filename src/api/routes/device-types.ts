/**
 * The catalogue of device types ("Get all types", "Get type by id"). Thousands of types cost their serialisation
 * once for each change of the catalogue, and a caller that has them nothing but a 304.
 */
import type { Context } from 'koa';
import * as v from 'valibot';
import type { CatalogueEntry, TypeCatalogue } from '../../core/type-catalogue.ts';
import { GatewayError } from '../../model/error.ts';
import { parseWith } from '../../model/parse.ts';
import type { Access } from '../access.ts';
import { compressed } from '../compression.ts';
import { entityTag, tagHeld } from '../entity-tag.ts';
import { parseQuery, type QueryParameters, singleValues } from '../query.ts';
import { whole } from '../query-values.ts';
import { typeView } from '../type-view.ts';
import { type ApiRouter, guarded } from './router.ts';

const TYPES = '/device/v1/types';
const PER_PAGE_DEFAULT = 100;
const PER_PAGE_MAX = 1_000;
/** Nine digits: far past any page there can be, and still exact when multiplied. */
const PAGE_MAX = 999_999_999;
const TEXT_MAX_CHARS = 200;

const text = v.pipe(v.string(), v.maxLength(TEXT_MAX_CHARS, `may have ${TEXT_MAX_CHARS} characters at most`));
const entries = {
  q: v.optional(text),
  manufacturer: v.optional(text),
  protocol: v.optional(text),
  page: v.optional(whole('must be a whole number from 1', 1, PAGE_MAX)),
  perPage: v.optional(whole(`must be a whole number from 1 to ${PER_PAGE_MAX}`, 1, PER_PAGE_MAX)),
};
const typeQuerySchema = v.object(entries);
export type TypeQuery = v.InferOutput<typeof typeQuerySchema>;

/** A body as it is sent, with its tag. */
interface Representation {
  body: Buffer;
  tag: string;
}

/** @throws GatewayError badRequest naming each parameter that is wrong */
export function typeQuery(parameters: QueryParameters): TypeQuery {
  return parseWith(typeQuerySchema, singleValues(parameters, Object.keys(entries)), 'query');
}

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

export function addTypeRoutes(
  router: ApiRouter,
  { types, access }: { types: TypeCatalogue; access: Access },
): void {
  const read = guarded(access, 'read');
  const packed = compressed();
  const everyType = new EveryType(types);

  router.get(TYPES, read, packed, async (context) => {
    const query = typeQuery(parseQuery(context.querystring));
    if (Object.keys(query).length > 0) {
      answer(context, represent(selectTypes(await types.list(), query).map(typeView)));
    } else if (!answerHeld(context, everyType.tag)) answer(context, await everyType.get());
  });

  router.get(`${TYPES}/:typeId`, read, packed, async (context) => {
    const typeId = context.params['typeId'] as string;
    const entry = await types.find(typeId);
    if (!entry) {
      throw new GatewayError('notFound', `there is no device type "${typeId}"`, {
        hint: 'GET /device/v1/types lists them',
      });
    }
    answer(context, represent(typeView(entry)));
  });
}

/**
 * The whole catalogue. Of each of its versions the tag is kept; the text, megabytes with thousands of types, only
 * for as long as memory is not needed.
 */
class EveryType {
  readonly #types: TypeCatalogue;
  #made: { version: number; tag: string; body: WeakRef<Buffer> } | undefined;

  constructor(types: TypeCatalogue) {
    this.#types = types;
  }

  /** Undefined before it was made. */
  get tag(): string | undefined {
    return this.#made?.version === this.#types.version ? this.#made.tag : undefined;
  }

  async get(): Promise<Representation> {
    const { version } = this.#types;
    const body = this.#made?.version === version ? this.#made.body.deref() : undefined;
    if (this.#made && body) return { body, tag: this.#made.tag };
    const made = represent((await this.#types.list()).map(typeView));
    this.#made = { version, tag: made.tag, body: new WeakRef(made.body) };
    return made;
  }
}

function represent(value: unknown): Representation {
  const body = Buffer.from(JSON.stringify(value));
  return { body, tag: entityTag(body) };
}

function answer(context: Context, { body, tag }: Representation): void {
  if (answerHeld(context, tag)) return;
  context.set('Cache-Control', 'no-cache');
  context.set('ETag', tag);
  context.type = 'json';
  context.body = body;
}

/** Answers 304 where the caller has what `tag` names. */
function answerHeld(context: Context, tag: string | undefined): boolean {
  const held = tag === undefined ? undefined : tagHeld(context.get('If-None-Match'), tag);
  if (held === undefined) return false;
  context.set('Cache-Control', 'no-cache');
  context.set('ETag', held);
  context.status = 304;
  return true;
}
