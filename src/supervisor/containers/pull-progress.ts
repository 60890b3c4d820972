/**
 * What an engine tells while it fetches an image, added up: layers and bytes. Pure. An engine tells a failure in the
 * last record, under an answer that looks like success.
 */
import * as v from 'valibot';
import type { ImageProgress } from '../../core/ports.ts';

const recordSchema = v.object({
  id: v.optional(v.string()),
  status: v.optional(v.string(), ''),
  progressDetail: v.optional(
    v.object({ current: v.optional(v.number()), total: v.optional(v.number()) }),
    {},
  ),
  error: v.optional(v.string()),
  errorDetail: v.optional(v.object({ message: v.optional(v.string()) })),
});

/** Layers that one image may have, as engines bound them. */
const LAYERS_MAX = 1_024;
/** Lines about the whole image that are kept. */
const SAID_MAX = 20;

interface Layer {
  bytes: number;
  totalBytes: number;
  done: boolean;
}

export class PullProgress {
  readonly #layers = new Map<string, Layer>();
  /** What it said of the image as a whole: its digest, and whether it was new. */
  readonly said: string[] = [];
  failure: string | undefined;

  /** One record; what is none is passed over. */
  take(line: string): void {
    let input: unknown;
    try {
      input = JSON.parse(line);
    } catch {
      return;
    }
    const { success, output } = v.safeParse(recordSchema, input);
    if (!success) return;
    const { id, status, progressDetail, error, errorDetail } = output;
    if (error !== undefined || errorDetail !== undefined)
      this.failure = errorDetail?.message ?? error ?? 'no reason given';
    else if (id === undefined || /^Pulling from /.test(status)) this.#say(id, status);
    else this.#takeLayer(id, status, progressDetail);
  }

  /** The engine is done: whatever it left unsaid of a layer (Podman its end), it is there. */
  finish(): void {
    for (const layer of this.#layers.values()) {
      layer.bytes = layer.totalBytes;
      layer.done = true;
    }
  }

  now(): ImageProgress {
    const layers = [...this.#layers.values()];
    const sum = (pick: (layer: Layer) => number) => layers.reduce((total, layer) => total + pick(layer), 0);
    return {
      layers: layers.length,
      layersDone: layers.filter(({ done }) => done).length,
      bytes: sum(({ bytes }) => bytes),
      totalBytes: sum(({ totalBytes }) => totalBytes),
    };
  }

  #say(id: string | undefined, status: string): void {
    if (status !== '' && this.said.length < SAID_MAX)
      this.said.push(id === undefined ? status : `${id}: ${status}`);
  }

  #takeLayer(
    id: string,
    status: string,
    { current = 0, total = 0 }: { current?: number | undefined; total?: number | undefined },
  ): void {
    const layer = this.#layers.get(id) ?? { bytes: 0, totalBytes: 0, done: false };
    if (!this.#layers.has(id) && this.#layers.size >= LAYERS_MAX) return;
    this.#layers.set(id, layer);
    if (status === 'Downloading') {
      layer.totalBytes = Math.max(layer.totalBytes, total);
      layer.bytes = Math.max(layer.bytes, current);
    }
    if (/^(Download complete|Pull complete|Already exists)$/.test(status)) layer.bytes = layer.totalBytes;
    if (/^(Pull complete|Already exists)$/.test(status)) layer.done = true;
  }
}
