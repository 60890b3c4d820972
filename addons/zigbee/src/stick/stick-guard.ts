/**
 * Where the library decides what to do with a stick, it asks first: `checkIntent` of start-policy.ts. The library has no
 * place for that question, so it is put into its two adapters here, by the names that they have in the version that
 * package.json pins; `installGuards` fails loudly when they are not there.
 */
import { createRequire } from 'node:module';
import type { CoordinatorBackup } from '../network/backup-text.ts';
import {
  checkIntent,
  type Intent,
  networkOf,
  type StartQuestion,
  type StickNetwork,
} from './start-policy.ts';

type Found = Pick<StartQuestion, 'intent' | 'holds'>;

/** Asked, and awaited, before anything is changed on the stick; `read` reads what it holds. @throws RadioTrouble */
export type Guard = (found: Found, read: () => Promise<CoordinatorBackup>) => Promise<void>;

/** Given to the library's adapter options; read again by the guards. */
export interface GuardedAdapterOptions {
  disableLED: boolean;
  transmitPower?: number;
  guard: Guard;
}

interface Nib {
  nwkPanId: number;
  extendedPANID: Buffer;
  nwkLogicalChannel: number;
}
interface ZStackManager {
  nv: { readItem(id: number, offset: number, struct: unknown): Promise<Nib | undefined> };
  /** It reads the stick's memory: no network has to run. */
  backup: { createBackup(addresses: string[]): Promise<CoordinatorBackup> };
  options: { adapterOptions: GuardedAdapterOptions };
  determineStrategy(): Promise<'startup' | 'restoreBackup' | 'startCommissioning'>;
}
interface EmberAdapter {
  adapterOptions: GuardedAdapterOptions;
  ezsp: {
    ezspGetNetworkParameters(): Promise<[status: number, nodeType: number, EmberNetwork]>;
    ezspLeaveNetwork(): Promise<number>;
  };
  initTrustCenter(): Promise<unknown>;
  /** Of the network that runs: before it is left. */
  backup(addresses: string[]): Promise<CoordinatorBackup>;
  formNetwork(fromBackup: boolean, ...rest: unknown[]): Promise<void>;
}
interface EmberNetwork {
  panId: number;
  extendedPanId: number[];
  radioChannel: number;
}

const INTENTS: Record<string, Intent> = {
  startup: 'resume',
  restoreBackup: 'restore',
  startCommissioning: 'form',
};
const GUARDED = Symbol('guarded');

/** Once in a process; a second call changes nothing. @throws Error when the library is not the version this is for */
export function installGuards(): void {
  const require = createRequire(import.meta.url);
  const { ZnpAdapterManager } = require('zigbee-herdsman/dist/adapter/z-stack/adapter/manager.js');
  const { AdapterBackup } = require('zigbee-herdsman/dist/adapter/z-stack/adapter/adapter-backup.js');
  const { NvItemsIds } = require('zigbee-herdsman/dist/adapter/z-stack/constants/common.js');
  const { nib } = require('zigbee-herdsman/dist/adapter/z-stack/structs/index.js');
  if (typeof AdapterBackup.prototype.createBackup !== 'function')
    throw new Error('zigbee-herdsman backs Z-Stack sticks up elsewhere now');
  guardZStack(ZnpAdapterManager.prototype, { item: NvItemsIds.NIB, struct: nib });
}

/** The EmberZNet adapter is large: its guard is installed only where such a stick is used. */
export function installEmberGuard(): void {
  const require = createRequire(import.meta.url);
  guardEmber(require('zigbee-herdsman/dist/adapter/ember/adapter/emberAdapter.js').EmberAdapter.prototype);
}

function guardZStack(
  prototype: ZStackManager & { [GUARDED]?: true },
  nib: { item: number; struct: unknown },
): void {
  if (prototype[GUARDED]) return;
  const decide = prototype.determineStrategy;
  if (typeof decide !== 'function')
    throw new Error('zigbee-herdsman decides about Z-Stack sticks elsewhere now');
  prototype[GUARDED] = true;
  prototype.determineStrategy = async function guarded(this: ZStackManager) {
    const strategy = await decide.call(this);
    const found = await this.nv.readItem(nib.item, 0, nib.struct);
    const holds = found && networkOf(zStackNetwork(found));
    const read = () => this.backup.createBackup([]);
    await this.options.adapterOptions.guard({ intent: INTENTS[strategy] ?? 'form', holds }, read);
    return strategy;
  };
}

function zStackNetwork({ nwkPanId, extendedPANID, nwkLogicalChannel }: Nib): StickNetwork {
  return { panId: nwkPanId, extendedPanId: extendedPANID.toString('hex'), channel: nwkLogicalChannel };
}

/** It leaves the network that it finds and does not want, then forms one: each of the two asks first. */
function guardEmber(prototype: EmberAdapter & { [GUARDED]?: true }): void {
  if (prototype[GUARDED]) return;
  const { initTrustCenter, formNetwork, backup } = prototype;
  if ([initTrustCenter, formNetwork, backup].some((each) => typeof each !== 'function')) {
    throw new Error('zigbee-herdsman decides about EmberZNet sticks elsewhere now');
  }
  prototype[GUARDED] = true;
  prototype.initTrustCenter = async function guarded(this: EmberAdapter) {
    const { ezsp, adapterOptions } = this;
    const leave = ezsp.ezspLeaveNetwork;
    const held = async () => {
      const [, , { panId, extendedPanId, radioChannel }] = await ezsp.ezspGetNetworkParameters();
      return networkOf({
        panId,
        extendedPanId: Buffer.from(extendedPanId).toString('hex'),
        channel: radioChannel,
      });
    };
    const read = () => this.backup([]);
    ezsp.ezspLeaveNetwork = async () => {
      await adapterOptions.guard({ intent: 'form', holds: await held() }, read);
      return leave.call(ezsp);
    };
    try {
      const result = await initTrustCenter.call(this);
      if (result === 'resumed') await adapterOptions.guard({ intent: 'resume', holds: await held() }, read);
      return result;
    } finally {
      ezsp.ezspLeaveNetwork = leave;
    }
  };
  prototype.formNetwork = async function guarded(
    this: EmberAdapter,
    fromBackup: boolean,
    ...rest: unknown[]
  ) {
    const found: Found = { intent: fromBackup ? 'restore' : 'form', holds: undefined };
    await this.adapterOptions.guard(found, () => this.backup([]));
    return formNetwork.call(this, fromBackup, ...rest);
  };
}

/** The guard's question, asked with what the add-on knows of its network. */
export function guardFor(known: Omit<StartQuestion, keyof Found>): (found: Found) => void {
  return (found) => checkIntent({ ...found, ...known });
}
