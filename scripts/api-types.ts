/** `npm run types:api`: asks a gateway that it starts for its OpenAPI document, and writes the types of the dashboard's client. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Daemon } from '../test/support/daemon.ts';
import { API_TYPES, apiTypes } from './dashboard/api-types.ts';

const dataFolder = mkdtempSync(join(tmpdir(), 'gate-api-types-'));
const daemon = await Daemon.start({ dataFolder });
try {
  writeFileSync(API_TYPES, await apiTypes(await daemon.api.get<object>('/openapi.json')));
  console.log(`wrote ${API_TYPES}`);
} finally {
  await daemon.stop();
  rmSync(dataFolder, { recursive: true, force: true });
}
