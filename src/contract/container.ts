/**
 * `runtime.container` of a manifest: the image of an add-on and what it needs. What is not named here, its container does
 * not have (docs/decisions/0010). With `service` it is a program that knows nothing of the add-on contract.
 */
import * as v from 'valibot';

/** Parts of an image's name, as Docker's reference grammar has them, the registry's port included. */
const IMAGE =
  /^[a-z0-9]+(?:[._:-][a-z0-9]+|\/[a-z0-9]+|__|-+[a-z0-9]+)*(?::[\w][\w.-]{0,127})?(?:@sha256:[a-f0-9]{64})?$/;
export const IMAGE_MAX_CHARS = 256;

/** What may be named as an image: `[registry/]name[:tag][@sha256:…]`. */
export const imageNameSchema = v.pipe(
  v.string(),
  v.maxLength(IMAGE_MAX_CHARS),
  v.regex(IMAGE, 'must be the name of an image: [registry/]name[:tag]'),
);

const port = (what: string) => {
  const message = `${what} must be a whole number from 1 to 65535`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(1, message), v.maxValue(65_535, message));
};
const whole = (min: number, max: number) => {
  const message = `must be a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
};
const absolutePath = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^\/(?!.*(^|\/)\.\.(\/|$))[\w./-]+$/, 'must be an absolute path without ".."'),
);

const devicePath = v.pipe(
  v.string(),
  v.maxLength(128),
  v.regex(/^(?!.*\/\.\.(\/|$))\/dev\/[\w./:+-]+$/, 'must be a path below /dev without ".."'),
);

export const containerSchema = v.object({
  image: imageNameSchema,
  /**
   * Device nodes: a path, or the parameter that holds one. Where that parameter is not a path below /dev (a coordinator
   * at a TCP address), there is none.
   */
  devices: v.optional(
    v.pipe(
      v.array(
        v.union([
          v.strictObject({ path: devicePath }),
          v.strictObject({ parameter: v.pipe(v.string(), v.minLength(1), v.maxLength(64)) }),
        ]),
      ),
      v.maxLength(16),
    ),
    [],
  ),
  /** Ports that are served on the box: `host`, or what the parameter of that name says, or the container's own. */
  ports: v.optional(
    v.pipe(
      v.array(
        v.object({
          container: port('"container"'),
          host: v.optional(port('"host"')),
          parameter: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
          protocol: v.optional(v.picklist(['tcp', 'udp']), 'tcp'),
        }),
      ),
      v.maxLength(16),
    ),
    [],
  ),
  /** Where its data lie inside: a volume that stays. */
  dataPath: v.optional(absolutePath, '/data'),
  /** Further places that it may write to; what it writes there is gone with its container. */
  tmpfs: v.optional(v.pipe(v.array(absolutePath), v.maxLength(8)), ['/tmp']),
  /** It sees what is sent for it, to be read alone, in `uploads` of its data path. */
  uploads: v.optional(v.boolean(), false),
  /** Most memory of all its processes together. */
  memoryMb: v.optional(whole(16, 16_384), 128),
  /** Processors that it may use, in hundredths: 100 is one. */
  cpuPercent: v.optional(whole(5, 6_400), 100),
  /** Most processes and threads. */
  pids: v.optional(whole(8, 4_096), 64),
  /** Its environment besides what the contract names. */
  environment: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^(?!GATE_)[A-Za-z_]\w{0,63}$/, 'is no name, or one of gate’s own')),
        v.pipe(v.string(), v.maxLength(1024)),
      ),
      v.maxEntries(64),
    ),
    {},
  ),
  /** It does not speak the add-on contract: it runs well while it answers HTTP here with less than 500. */
  service: v.optional(
    v.object({
      port: port('"port"'),
      path: v.optional(v.pipe(v.string(), v.maxLength(256), v.regex(/^\//, 'must begin with "/"')), '/'),
    }),
  ),
});
export type ContainerManifest = v.InferOutput<typeof containerSchema>;
