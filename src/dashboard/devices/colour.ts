/** Colours as devices say them, and as a browser's colour field has them: `#rrggbb`. Pure. */
import { isJsonObject, type JsonObject, type JsonValue } from '../api/json.ts';
import type { ColourControl } from './controls.ts';

/** From `{hex}`, `{r, g, b}`, `{red, green, blue}`, `{hue, saturation}` or `{x, y}` (CIE 1931); undefined for anything else. */
export function colourShown(value: JsonValue | undefined): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const { hex, red, green, blue, r = red, g = green, b = blue, hue, saturation, x, y } = value;
  if (typeof hex === 'string' && /^#[0-9a-f]{6}$/i.test(hex)) return hex.toLowerCase();
  if (areNumbers(r, g, b)) return hexOf([Number(r), Number(g), Number(b)].map((part) => part / 255));
  if (areNumbers(x, y) && Number(y) > 0) return hexOf(fromXy(Number(x), Number(y)));
  if (areNumbers(hue, saturation)) return hexOf(fromHue(Number(hue), Number(saturation) / 100));
  return undefined;
}

/** What a device is told. */
export function colourTold(hex: string, form: ColourControl['form']): JsonObject {
  if (form === 'hex') return { hex };
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  return form === 'rgb' ? { r, g, b } : { red: r, green: g, blue: b };
}

function areNumbers(...values: (JsonValue | undefined)[]): boolean {
  return values.every((value) => typeof value === 'number');
}

/** Parts of 0 to 1. */
function hexOf(parts: readonly number[]): string {
  const digits = parts.map((part) =>
    Math.round(Math.min(1, Math.max(0, part)) * 255)
      .toString(16)
      .padStart(2, '0'),
  );
  return `#${digits.join('')}`;
}

/** At full brightness, in sRGB (IEC 61966-2-1). */
function fromXy(x: number, y: number): number[] {
  const [X, Y, Z] = [x / y, 1, (1 - x - y) / y];
  const linear = [
    3.2406 * X - 1.5372 * Y - 0.4986 * Z,
    -0.9689 * X + 1.8758 * Y + 0.0415 * Z,
    0.0557 * X - 0.204 * Y + 1.057 * Z,
  ].map((part) => Math.max(0, part));
  const most = Math.max(...linear, Number.EPSILON);
  return linear.map((part) => {
    const share = part / most;
    return share <= 0.0031308 ? 12.92 * share : 1.055 * share ** (1 / 2.4) - 0.055;
  });
}

/** Hue in degrees, saturation 0 to 1, at full brightness. */
function fromHue(hue: number, saturation: number): number[] {
  return [5, 3, 1].map((offset) => {
    const k = (offset + hue / 60) % 6;
    return 1 - saturation * Math.max(0, Math.min(k, 4 - k, 1));
  });
}
