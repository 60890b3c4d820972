/**
 * Status addresses as the preview of an import shows them: what the project says is taken, what only names suggest is
 * shown, and taken where the caller asks for it.
 */
import type { JsonObject } from '@gate/addon-sdk';
import { shownAddress } from './device-preview.ts';
import type { EtsGroupAddress, StatusEvidence } from './group-address.ts';
import { statusByNames } from './status-names.ts';

/** What may fill in a `status_address`. */
export const STATUS_SOURCES = ['project', 'names', 'none'] as const;
export type StatusSource = (typeof STATUS_SOURCES)[number];

export interface ShownStatus extends JsonObject {
  address: string;
  name: string;
  status_address: string;
  status_name: string;
  because: StatusEvidence;
  /** Whether it is in the devices. */
  taken: boolean;
}

/** The addresses with the status addresses that are taken, and all that were found. */
export function withStatusAddresses(
  given: readonly EtsGroupAddress[],
  source: StatusSource,
): { addresses: EtsGroupAddress[]; statusAddresses: ShownStatus[] } {
  const suggested = statusByNames(given);
  const names = new Map(given.map(({ address, name }) => [address, name]));
  const statusAddresses: ShownStatus[] = [];
  const addresses = given.map(({ status: said, ...each }) => {
    const status = said ?? suggested.get(each.address);
    if (status === undefined) return each;
    const taken = source === 'names' || (source === 'project' && said !== undefined);
    statusAddresses.push({
      address: shownAddress(each.address),
      name: each.name.slice(0, 100),
      status_address: shownAddress(status.address),
      status_name: (names.get(status.address) ?? '').slice(0, 100),
      because: status.because,
      taken,
    });
    return taken ? { ...each, status } : each;
  });
  return { addresses, statusAddresses };
}
