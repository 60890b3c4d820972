/**
 * How the dashboard is built (`scripts/dashboard/build.ts`), and served while it is worked on: `npx vite src/dashboard`
 * shows it with changes at once, and asks the gateway at GATE_URL (http://localhost:1234).
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { UserConfig } from 'vite';

/** Below it the gateway serves what the page loads. */
export const BASE = '/dashboard/';

const gateway = process.env['GATE_URL'] ?? 'http://localhost:1234';
const forwarded = { target: gateway, ws: true };

export default {
  root: import.meta.dirname,
  base: BASE,
  plugins: [svelte({ compilerOptions: { runes: true } })],
  // without a template's own head: nothing inline may stand there (docs/decisions/0033)
  build: {
    target: 'es2022',
    assetsDir: '.',
    // small files would become data: URLs, which the policy refuses
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // how long each plugin took is of no use to who only starts the gateway
    rolldownOptions: { checks: { pluginTimings: false } },
    chunkSizeWarningLimit: 200,
  },
  server: {
    proxy: Object.fromEntries(
      ['/device', '/authentication', '/history', '/health', '/socket.io', '/openapi.json', '/docs'].map(
        (path) => [path, forwarded],
      ),
    ),
  },
  logLevel: 'warn',
} satisfies UserConfig;
