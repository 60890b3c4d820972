/**
 * The API's description of itself: `/openapi.json`, `/asyncapi.json` and the page `/docs`. The documents are written
 * when they are first asked for, by code that is loaded then, and kept.
 */
import * as v from 'valibot';
import { jsonObjectSchema } from '../../model/device.ts';
import { answerHeld, heldHeaders, notModified, type Representation, represent } from '../representation.ts';
import type { ApiContext } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Description';
const KEPT_SECONDS = 365 * 86_400;
const kept = ['ETag', 'Cache-Control'] as const;
const html = { 'text/html': v.string() };

export function addDescriptionRoutes(routes: Routes): void {
  const openApi = once(async () => {
    const { openApiDocument } = await import('../description/openapi.ts');
    return represent(openApiDocument(routes.all));
  });
  const asyncApi = once(async () => {
    const { asyncApiDocument } = await import('../description/asyncapi.ts');
    return represent(asyncApiDocument());
  });

  const document = { method: 'GET', section, right: 'read', headers: heldHeaders, compressed: true } as const;
  routes.add({
    ...document,
    path: '/openapi.json',
    name: 'getOpenApi',
    summary: 'This document: OpenAPI 3.1',
    answers: { 200: { says: 'The document', json: jsonObjectSchema, headers: kept }, ...notModified },
    handle: async ({ headers, context }) => answerHeld(context, await openApi(), headers),
  });
  routes.add({
    ...document,
    path: '/asyncapi.json',
    name: 'getAsyncApi',
    summary: 'The events and the MQTT contracts: AsyncAPI 3.0',
    answers: { 200: { says: 'The document', json: jsonObjectSchema, headers: kept }, ...notModified },
    handle: async ({ headers, context }) => answerHeld(context, await asyncApi(), headers),
  });

  const page = {
    method: 'GET',
    section,
    right: 'read',
    compressed: true,
    answers: { 200: { says: 'The page', other: html, headers: ['Content-Security-Policy'] } },
  } as const;
  routes.add({
    ...page,
    path: '/docs',
    name: 'getDocs',
    summary: 'This document as a page',
    handle: async ({ context }) => {
      const { docsPage } = await import('../description/page-files.ts');
      await answerPage(context, await docsPage());
    },
  });
  routes.add({
    ...page,
    path: '/docs/events',
    name: 'getEventDocs',
    summary: 'The events and the MQTT contracts as a page',
    handle: async ({ context }) => {
      const { eventsHtml } = await import('../description/asyncapi.ts');
      const { withTags } = await import('../description/page-files.ts');
      await answerPage(context, await withTags(eventsHtml()));
    },
  });
  routes.add({
    method: 'GET',
    path: '/docs/:file',
    name: 'getDocsFile',
    section,
    summary: 'A file of the page',
    right: 'read',
    query: v.object({
      v: v.optional(
        v.pipe(v.string(), v.description('Its tag, as the page names it: then it may be kept for good')),
      ),
    }),
    headers: heldHeaders,
    compressed: true,
    answers: {
      200: {
        says: 'The file',
        other: { 'text/javascript': v.string(), 'text/css': v.string() },
        headers: kept,
      },
      ...notModified,
    },
    errors: ['notFound'],
    handle: async ({ path, query, headers, context }) => {
      const { assetNamed } = await import('../description/page-files.ts');
      const file = await assetNamed(path.file);
      answerHeld(context, file, headers);
      if (context.status === 200) context.type = file.type;
      if (`"${query.v}"` === file.tag) {
        context.set('Cache-Control', `public, max-age=${KEPT_SECONDS}, immutable`);
      }
    },
  });
}

async function answerPage(context: ApiContext, text: string): Promise<void> {
  const { CONTENT_SECURITY_POLICY } = await import('../description/page-files.ts');
  context.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
  context.set('Referrer-Policy', 'no-referrer');
  context.type = 'text/html; charset=utf-8';
  context.body = text;
}

/** Made at the first call, and anew only after it has failed. */
function once(make: () => Promise<Representation>): () => Promise<Representation> {
  let made: Promise<Representation> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
