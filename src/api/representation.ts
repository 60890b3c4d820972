/** An answer that is the same for every caller: a body as it is sent, with its tag, answered 304 to who has it. */
import * as v from 'valibot';
import { entityTag, tagHeld } from './entity-tag.ts';
import type { ApiContext } from './routes/route.ts';

export interface Representation {
  body: Buffer;
  tag: string;
}

export function represent(value: unknown): Representation {
  const body = Buffer.from(JSON.stringify(value));
  return { body, tag: entityTag(body) };
}

/** What a route that answers so takes, and what it gives besides its 200. */
export const heldHeaders = v.object({
  'If-None-Match': v.optional(
    v.pipe(v.string(), v.description('Entity tags of what the caller has: answered 304 where one is good')),
  ),
});
export const notModified = {
  304: { says: 'The caller has it already', headers: ['ETag', 'Cache-Control'] },
} as const;

/** Writes the answer: the caller may keep it, and asks each time whether it is still good. */
export function answerHeld(
  context: ApiContext,
  { body, tag }: Representation,
  { 'If-None-Match': ifNoneMatch = '' }: v.InferOutput<typeof heldHeaders>,
): undefined {
  const held = tagHeld(ifNoneMatch, tag);
  context.set('Cache-Control', 'no-cache');
  context.set('ETag', held ?? tag);
  if (held !== undefined) {
    context.status = 304;
    return;
  }
  context.type = 'json';
  context.body = body;
}

/** Answers 304 to a caller that has what `tag` names, before the body is made. @returns whether it did */
export function answerUnchanged(
  context: ApiContext,
  tag: string,
  { 'If-None-Match': ifNoneMatch = '' }: v.InferOutput<typeof heldHeaders>,
): boolean {
  const held = tagHeld(ifNoneMatch, tag);
  if (held === undefined) return false;
  context.set('Cache-Control', 'no-cache');
  context.set('ETag', held);
  context.status = 304;
  return true;
}
