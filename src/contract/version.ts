/** Version of the add-on contract (docs/specs/addon-contract.md). It grows only by addition within a number. */
export const CONTRACT_VERSION = 1;

/** An add-on tells the contract it speaks in its `state`; gate accepts these. */
export const SUPPORTED_CONTRACTS: readonly number[] = [1];
