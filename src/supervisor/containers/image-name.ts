/** The names of images: `[registry/]repository[:tag][@digest]`. Pure. */

export interface ImageName {
  /** With its registry, without tag and digest; the public registry is left out: `nodered/node-red`. */
  repository: string;
  tag: string | undefined;
  digest: string | undefined;
}

const PUBLIC = /^(?:docker\.io|index\.docker\.io)\//;

export function parseImageName(name: string): ImageName {
  const [named = '', digest] = name.split('@', 2);
  // the colon of a registry's port stands before a slash
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const repository = (colon < 0 ? named : named.slice(0, colon))
    .replace(PUBLIC, '')
    .replace(/^library\//, '');
  return { repository, tag: colon < 0 ? undefined : named.slice(colon + 1), digest };
}

/** What is asked of a registry: without a tag an engine would fetch every one there is. */
export function pullName(name: string): string {
  const { tag, digest } = parseImageName(name);
  return tag === undefined && digest === undefined ? `${name}:latest` : name;
}

/** The one of an image's digests that belongs to the repository of `name`. */
export function digestFor(name: string, repoDigests: readonly string[]): string | undefined {
  const { repository } = parseImageName(name);
  return repoDigests.find((digest) => parseImageName(digest).repository === repository);
}

/**
 * Whether one of the patterns names the image's repository, its registry included. `*` stands for any characters but
 * `/`; tags are not looked at.
 */
export function isAllowed(name: string, patterns: readonly string[]): boolean {
  const { repository } = parseImageName(name);
  return patterns.some((pattern) => {
    const { repository: wanted } = parseImageName(pattern);
    const source = wanted.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
    return new RegExp(`^${source}$`).test(repository);
  });
}
