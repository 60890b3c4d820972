/**
 * The dashboard at `/` and what it loads. Everybody may load it, it holds nothing of this gateway: what it shows it asks
 * the other routes for, as any client. Loaded when somebody opens it.
 */
import * as v from 'valibot';
import { codedTag } from '../entity-tag.ts';
import { answerUnchanged, heldHeaders, notModified } from '../representation.ts';
import type { ApiContext } from './route.ts';
import type { Routes } from './router.ts';

const section = 'Dashboard';
const KEPT_SECONDS = 365 * 86_400;
const kept = ['ETag', 'Cache-Control'] as const;

export function addDashboardRoutes(routes: Routes): void {
  routes.add({
    method: 'GET',
    path: '/',
    name: 'getDashboard',
    section,
    summary: 'The dashboard, for a browser',
    right: 'anyone',
    headers: heldHeaders,
    answers: {
      200: {
        says: 'The page',
        other: { 'text/html': v.string() },
        headers: [...kept, 'Content-Security-Policy'],
      },
      ...notModified,
    },
    errors: ['notFound'],
    handle: async ({ headers, context }) => {
      const { CONTENT_SECURITY_POLICY, INDEX_PAGE } = await import('../dashboard-files.ts');
      context.set('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      context.set('Referrer-Policy', 'no-referrer');
      await answerFile(context, INDEX_PAGE, headers);
    },
  });
  routes.add({
    method: 'GET',
    path: '/dashboard/:file',
    name: 'getDashboardFile',
    section,
    summary: 'A file of the dashboard',
    description: 'Its name changes with its content: it may be kept for good.',
    right: 'anyone',
    headers: heldHeaders,
    answers: {
      200: {
        says: 'The file',
        other: { 'text/javascript': v.string(), 'text/css': v.string(), 'image/svg+xml': v.string() },
        headers: kept,
      },
      ...notModified,
    },
    errors: ['notFound'],
    handle: async ({ path, headers, context }) => {
      const { INDEX_PAGE } = await import('../dashboard-files.ts');
      // the page itself changes under its name, and has its headers at /
      await answerFile(context, path.file === INDEX_PAGE ? '' : path.file, headers);
      context.set('Cache-Control', `public, max-age=${KEPT_SECONDS}, immutable`);
    },
  });
}

/** @throws GatewayError notFound */
async function answerFile(
  context: ApiContext,
  name: string,
  headers: v.InferOutput<typeof heldHeaders>,
): Promise<void> {
  const { bytesOf, dashboardFile } = await import('../dashboard-files.ts');
  const file = await dashboardFile(name);
  context.vary('Accept-Encoding');
  if (answerUnchanged(context, file.tag, headers)) return;
  // the smallest that the caller takes, whatever the order it named them in
  const coding = file.codings.find((each) => context.acceptsEncodings(each) === each);
  context.body = await bytesOf(file, coding);
  context.set('Content-Type', file.type);
  context.set('Cache-Control', 'no-cache');
  context.set('ETag', coding === undefined ? file.tag : codedTag(file.tag, coding));
  if (coding !== undefined) context.set('Content-Encoding', coding);
}
