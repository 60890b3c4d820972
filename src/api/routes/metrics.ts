/** Figures for Prometheus. */
import * as v from 'valibot';
import type { MetricSources } from '../metrics/metric-sources.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Routes } from './router.ts';

export function addMetricsRoute(routes: Routes, sources: MetricSources): void {
  let metrics: Promise<Metrics> | undefined;

  routes.add({
    method: 'GET',
    path: '/metrics',
    name: 'getMetrics',
    section: 'Health',
    summary: 'Figures for Prometheus',
    description: 'In Prometheus’ text format. Counters begin anew with each start of the gateway.',
    right: 'read',
    compressed: true,
    answers: { 200: { says: 'The figures', other: { 'text/plain': v.string() } } },
    handle: async ({ context }) => {
      metrics ??= import('../metrics/metrics.ts').then((loaded) => new loaded.Metrics(sources));
      const { contentType, text } = await metrics.then(async (made) => ({
        contentType: made.contentType,
        text: await made.text(),
      }));
      context.set('Content-Type', contentType);
      context.body = text;
    },
  });
}
