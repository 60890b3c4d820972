/** Fetching an image as a step of an installation: told as it comes, and what the engine said of it told with its end. */

import type { AddonContainers, FetchedImage, ImageProgress } from '../ports.ts';
import type { InstallationJobs } from './installation-jobs.ts';

const BYTES_PER_MB = 1_000_000;

export interface ImageFetching {
  slug: string;
  image: string;
  signal: AbortSignal;
  /** Something else is done when it fails. */
  once?: boolean;
}

/** @throws what `AddonContainers.fetch` throws; what `signal` was aborted with */
export async function fetchImage(
  { slug, image, ...options }: ImageFetching,
  { containers, jobs }: { containers: AddonContainers; jobs: InstallationJobs },
): Promise<FetchedImage> {
  const fetched = await containers.fetch(image, {
    ...options,
    onProgress: (progress) => jobs.note(slug, inWords(image, progress), progress),
  });
  options.signal.throwIfAborted();
  jobs.say(slug, fetched.said);
  return fetched;
}

function inWords(image: string, { layers, layersDone, bytes, totalBytes }: ImageProgress): string {
  const mb = (count: number) => (count / BYTES_PER_MB).toFixed(1);
  return `image ${image}: ${layersDone} of ${layers} layers, ${mb(bytes)} of ${mb(totalBytes)} MB`;
}
