import { CONSTANT_BYTES, type ConstantArray } from "../kernels/types.js";

const LINE = 100;

/** The elements of an array as C text, wrapped, indented by four spaces. */
export function arrayText(type: ConstantArray["type"], values: ArrayLike<number>, indent = "    "): string {
  const lines: string[] = [];
  let line = indent;
  for (let i = 0; i < values.length; i++) {
    const item = `${elementText(type, values[i]!)},`;
    if (line.length + item.length > LINE && line !== indent) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${item} `;
  }
  lines.push(line.trimEnd());
  return lines.join("\n");
}

function elementText(type: ConstantArray["type"], value: number): string {
  if (type === "uint32_t") return hex(value);
  if (type === "float") return floatText(value);
  // The least int32 has no literal of its own type.
  return value === -(2 ** 31) ? "(-2147483647 - 1)" : String(value);
}

/** Nine significant digits bring every float32 back exactly; infinities need `<math.h>`. */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? "-INFINITY" : "INFINITY";
  const digits = Object.is(value, -0) ? "-0" : value.toPrecision(9);
  return /[.e]/.test(digits) ? `${digits}f` : `${digits}.0f`;
}

/** A 32-bit word as C text without suffix. */
export function hex(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, "0")}`;
}

/** Little-endian 32-bit words of some bytes, zero-padded. */
export function asWords(bytes: Uint8Array): Uint32Array {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  return Uint32Array.from({ length: padded.length / 4 }, (_, i) => view.getUint32(i * 4, true));
}

/** The bytes of a constant array as they lie in a little-endian memory. */
export function constantBytes({ type, values }: ConstantArray): Uint8Array {
  const size = CONSTANT_BYTES[type];
  const bytes = new Uint8Array(values.length * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (type === "float") view.setFloat32(i * 4, value, true);
    else if (size === 4) view.setUint32(i * 4, value, true);
    else if (size === 2) view.setInt16(i * 2, value, true);
    else view.setUint8(i, value);
  }
  return bytes;
}
