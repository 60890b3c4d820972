/**
 * Two modules, loaded the CommonJS way. An `import` of `node:http` reads each of its exports, the lazy `WebSocket`
 * among them, and so starts undici, which nothing here uses: 2 MB of the daemon's memory. `@koa/router`, as an ES
 * module, imports it too. Types are imported from the modules themselves.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

export const {
  createServer,
  STATUS_CODES,
}: Pick<typeof import('node:http'), 'createServer' | 'STATUS_CODES'> = require('node:http');
export const Router: typeof import('@koa/router').Router = require('@koa/router').Router;
