/** TypeScript types of the API, from its own OpenAPI document. */
import { join } from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';

export const API_TYPES = join(import.meta.dirname, '../../src/dashboard/generated/api.d.ts');

const HEAD =
  '/** The types of the API, made by `npm run types:api` of /openapi.json. Not written by hand. */\n\n';

/** The text of `API_TYPES` for this document. */
export async function apiTypes(document: object): Promise<string> {
  return HEAD + astToString(await openapiTS(document as OpenAPI3, { alphabetize: false }));
}
