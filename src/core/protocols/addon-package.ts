/** An add-on as it lies on disk. */
import type { Manifest } from '../../contract/manifest.ts';
import type { JsonObject } from '../../model/json.ts';
import type { PinnedImage } from '../../model/protocol.ts';
import type { TypesOfProtocol } from '../devices/type-catalogue.ts';

/** An add-on found on disk: its manifest, its folder and the types it brings. */
export interface AddonPackage {
  manifest: Manifest;
  folder: string;
  types: TypesOfProtocol;
  /** Grows when the same add-on is read anew: what runs is replaced, also where its version stayed. */
  generation?: number;
  /** What runs, where it is installed as a container. */
  container?: ContainerRun;
}

/** How an add-on that is installed as a container shall run. */
export interface ContainerRun {
  image: PinnedImage;
  /** Its container is kept beside, and does not run. */
  standby?: PinnedImage | undefined;
  /** The protocol's: they may name device nodes and ports. */
  parameters: JsonObject;
}

/** Whether somebody else starts this add-on: it has no runtime that gate could start. */
export function isExternal({ runtime }: Manifest): boolean {
  return runtime.external !== undefined && !runtime.process && !runtime.container;
}
