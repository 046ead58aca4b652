/** The instruction set that an image says it was built for: `Tag_CPU_arch` in its `.ARM.attributes` section. */
import type { Elf } from "./elf.js";

/** Values of `Tag_CPU_arch` (Arm's "Addenda to, and Errata in, the ABI"), for M-profile images. */
export const CpuArch = {
  v6M: 11,
  v6SM: 12,
  v7: 10,
  v7EM: 13,
  v8MBase: 16,
  v8MMain: 17,
  v81MMain: 21,
} as const;

const TAG_FILE = 1;
const TAG_CPU_RAW_NAME = 4;
const TAG_CPU_NAME = 5;
const TAG_CPU_ARCH = 6;
const TAG_COMPATIBILITY = 32;
const FORMAT_VERSION = 0x41;

/** `Tag_CPU_arch` of an image; undefined when it has none that can be read. */
export function cpuArch(elf: Elf): number | undefined {
  const section = elf.sections.find((s) => s.name === ".ARM.attributes");
  if (section === undefined || section.data[0] !== FORMAT_VERSION) return undefined;
  const cursor = new Cursor(section.data, 1);
  const vendorEnd = cursor.at + cursor.u32();
  if (cursor.text() !== "aeabi") return undefined;
  while (cursor.at < vendorEnd && cursor.inside) {
    const start = cursor.at;
    const scope = cursor.uleb();
    const end = start + cursor.u32();
    if (scope === TAG_FILE) return archInScope(cursor, end);
    cursor.at = Math.max(end, start + 1);
  }
  return undefined;
}

function archInScope(cursor: Cursor, end: number): number | undefined {
  while (cursor.at < end && cursor.inside) {
    const tag = cursor.uleb();
    if (tag === TAG_CPU_ARCH) return cursor.uleb();
    if (tag === TAG_COMPATIBILITY) cursor.uleb();
    if (isText(tag)) cursor.text();
    else cursor.uleb();
  }
  return undefined;
}

/** Tags above 32 have a text when they are odd; below, two have. */
function isText(tag: number): boolean {
  if (tag <= TAG_COMPATIBILITY) return [TAG_CPU_RAW_NAME, TAG_CPU_NAME, TAG_COMPATIBILITY].includes(tag);
  return tag % 2 === 1;
}

/** Reads beyond the end give zeros: what is cut short has no attribute, and no reader runs away. */
class Cursor {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  get inside(): boolean {
    return this.at < this.#bytes.length;
  }

  u32(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) value += (this.#bytes[this.at++] ?? 0) * 2 ** (8 * i);
    return value;
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 35; scale *= 128) {
      const byte = this.#bytes[this.at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  }

  text(): string {
    const start = this.at;
    while (this.inside && this.#bytes[this.at] !== 0) this.at++;
    return Buffer.from(this.#bytes.subarray(start, this.at++)).toString("latin1");
  }
}
