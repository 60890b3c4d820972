/** What is run to make one image, and to bring it to its registry. Pure. */

export interface ImageOrder {
  /** With its registry and tag. */
  name: string;
  /** The folder that it is built in. */
  context: string;
  /** The base: Node. */
  nodeImage: string;
  push: boolean;
  /** The kinds of processors; undefined: both of gate's where they can be kept, else that of this machine. */
  platform: string | undefined;
}

/** What an image of gate is made for: amd64, and the arm64 of a Raspberry Pi. */
export const PLATFORMS = 'linux/amd64,linux/arm64';

/** The arguments of `docker`, one list for each run. */
export function imageCommands(order: ImageOrder, { hasBuildx }: { hasBuildx: boolean }): string[][] {
  const { name, context, nodeImage, push, platform } = order;
  const common = ['--build-arg', `NODE_IMAGE=${nodeImage}`, '--tag', name];
  if (!hasBuildx) {
    if (platform !== undefined) throw new Error('--platform needs docker buildx, which is not there');
    return [['build', ...common, context], ...(push ? [['push', name]] : [])];
  }
  // an engine keeps one kind of an image, a registry all of them
  const target = push ? ['--platform', platform ?? PLATFORMS, '--push'] : [...kind(platform), '--load'];
  return [['buildx', 'build', ...common, ...target, context]];
}

function kind(platform: string | undefined): string[] {
  return platform === undefined ? [] : ['--platform', platform];
}
