/** Random one-bit convolutions with a naive reference, as C programs that check a kernel. */

import { unitBytes } from "../../src/kernels/layout.js";
import type { ConstantArray, DescriptorField } from "../../src/kernels/types.js";
import type { Instruction } from "../../src/program/types.js";

export type Conv = Extract<Instruction, { kind: "conv" }>;
type Shape = readonly [number, number, number];

/** xorshift32, as the programs of the prototypes use. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
    for (let i = 0; i < 8; i++) this.word();
  }

  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + (this.word() % (most - least + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.word() % list.length]!;
  }

  bits(count: number, ones = 0.5): Uint8Array {
    return Uint8Array.from({ length: count }, () => (this.word() / 2 ** 32 < ones ? 1 : 0));
  }
}

export interface ConvCase {
  readonly conv: Conv;
  readonly thresholds: Int32Array;
  readonly input: Shape;
  readonly output: Shape;
  /** [y][x][channel]. */
  readonly bits: Uint8Array;
  readonly expected: Uint8Array;
}

export interface ConvGeometry {
  readonly input: Shape;
  readonly outputs: number;
  readonly groups: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly padValue: number;
}

export function convCase(geometry: ConvGeometry, random: Random): ConvCase {
  const { input, outputs, groups, kernel, stride, dilation, pads, padValue } = geometry;
  const size = (d: 0 | 1): number =>
    Math.floor((input[d] + pads[d] + pads[d + 2]! - dilation[d] * (kernel[d] - 1) - 1) / stride[d]) + 1;
  const output: Shape = [size(0), size(1), outputs];
  const inputs = (kernel[0] * kernel[1] * input[2]) / groups;
  const conv: Conv = {
    kind: "conv",
    input: 0,
    output: 1,
    weights: { outputs, inputs, bits: 1, step: 2, offset: -1, codes: random.bits(outputs * inputs) },
    window: { kernel, stride, dilation, pads },
    groups,
    padValue,
    inputOffset: 0,
  };
  const bits = random.bits(input[0] * input[1] * input[2], random.pick([0.5, 0.5, 0.1, 1]));
  const sums = naiveSums(conv, input, output, bits);
  const spread = Math.ceil(Math.sqrt(inputs)) + 1;
  const thresholds = Int32Array.from({ length: outputs }, () =>
    random.between(0, 9) === 0
      ? random.pick([-40000, 40000, -inputs, inputs, inputs + 1])
      : random.between(0, 2 * spread) - spread,
  );
  const expected = Uint8Array.from(sums, (sum, i) => (sum >= thresholds[i % outputs]! ? 1 : 0));
  return { conv, thresholds, input, output, bits, expected };
}

function naiveSums(conv: Conv, input: Shape, output: Shape, bits: Uint8Array): Int32Array {
  const { kernel, stride, dilation, pads } = conv.window;
  const channels = input[2] / conv.groups;
  const perGroup = output[2] / conv.groups;
  const sums = new Int32Array(output[0] * output[1] * output[2]);
  let at = 0;
  for (let y = 0; y < output[0]; y++) {
    for (let x = 0; x < output[1]; x++) {
      for (let n = 0; n < output[2]; n++) {
        let sum = 0;
        let k = n * conv.weights.inputs;
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const iy = y * stride[0] - pads[0] + ky * dilation[0];
            const ix = x * stride[1] - pads[1] + kx * dilation[1];
            const isInside = iy >= 0 && ix >= 0 && iy < input[0] && ix < input[1];
            for (let c = 0; c < channels; c++) {
              const channel = Math.floor(n / perGroup) * channels + c;
              const value = isInside
                ? 2 * bits[(iy * input[1] + ix) * input[2] + channel]! - 1
                : conv.padValue;
              sum += value * (2 * conv.weights.codes[k++]! - 1);
            }
          }
        }
        sums[at++] = sum;
      }
    }
  }
  return sums;
}

export function randomGeometry(random: Random): ConvGeometry {
  for (;;) {
    const isFlat = random.between(0, 7) === 0;
    const width = isFlat
      ? random.between(20, 300)
      : random.pick([random.between(1, 8), random.between(9, 16), random.between(17, 70)]);
    const height = isFlat ? 1 : random.between(1, width > 32 ? 9 : 20);
    const kernel = [isFlat ? 1 : random.pick([1, 2, 3, 3, 5]), random.pick([1, 2, 3, 3, 5, 7])] as const;
    const stride = [isFlat ? 1 : random.pick([1, 1, 2, 3]), random.pick([1, 1, 2, 3])] as const;
    const dilation = [random.pick([1, 1, 2]), random.pick([1, 1, 2])] as const;
    const groups = random.pick([1, 1, 1, 2, 3]);
    const channels = groups * random.pick([1, 3, 4, 12, 16, 35, random.between(1, 70)]);
    const outputs = groups * random.pick([1, 4, 5, 17]);
    const pad = (d: 0 | 1): number => random.between(0, dilation[d] * (kernel[d] - 1));
    const pads = [pad(0), pad(1), pad(0), pad(1)] as const;
    const isTooSmall = ([0, 1] as const).some(
      (d) => (d === 0 ? height : width) + pads[d] + pads[d + 2]! < dilation[d] * (kernel[d] - 1) + 1,
    );
    const work = (height * width * channels * outputs * kernel[0] * kernel[1]) / groups;
    if (isTooSmall || work > 3e6) continue;
    const padValue = random.pick([-1, 1, 0]);
    return { input: [height, width, channels], outputs, groups, kernel, stride, dilation, pads, padValue };
  }
}

/** A one-bit map in the layout `pixels`, as 32-bit words. */
export function packPixels(shape: Shape, bits: Uint8Array): Uint32Array {
  const [height, width, channels] = shape;
  const unit = unitBytes(width);
  const rowBytes = Math.ceil((channels * unit) / 4) * 4;
  const bytes = new Uint8Array(height * rowBytes);
  bits.forEach((bit, i) => {
    const channel = i % channels;
    const x = Math.floor(i / channels) % width;
    const y = Math.floor(i / channels / width);
    const at = y * rowBytes + channel * unit + (x >> 3);
    bytes[at] = bytes[at]! | (bit << (x & 7));
  });
  return new Uint32Array(bytes.buffer);
}

/** The same in the layout `channels`. */
export function packChannels(shape: Shape, bits: Uint8Array): Uint32Array {
  const words = Math.ceil(shape[2] / 32);
  const packed = new Uint32Array(shape[0] * shape[1] * words);
  bits.forEach((bit, i) => {
    const channel = i % shape[2];
    const at = Math.floor(i / shape[2]) * words + (channel >> 5);
    packed[at] = (packed[at]! | (bit << (channel & 31))) >>> 0;
  });
  return packed;
}

function cArray(type: string, name: string, values: ArrayLike<number>): string {
  const suffix = type === "uint32_t" ? "u" : "";
  const text = Array.from(values, (v) => `${v}${suffix}`).join(",");
  return `static const ${type} ${name}[] = {${text || "0"}};\n`;
}

/** What a kernel needs to execute a case. */
export interface PackedCase {
  readonly constants: readonly ConstantArray[];
  readonly fields: readonly DescriptorField[];
  readonly scratchBytes: number;
}

/**
 * A program that runs every case whole and in two parts of its rows, with guarded scratch, and prints one line. Its
 * output function is `put(const char *)`.
 */
export function checkProgram(
  kernel: string,
  cases: readonly (ConvCase & PackedCase)[],
  layout: "pixels" | "channels" = "pixels",
): string {
  const pack = layout === "pixels" ? packPixels : packChannels;
  const scratch = Math.max(...cases.map((c) => c.scratchBytes));
  const largest = Math.max(...cases.map((c) => pack(c.output, c.expected).length));
  const parts = cases.map((c, i) => {
    const arrays = c.constants.map((a) => cArray(a.type, `c${i}_${a.name}`, a.values)).join("");
    const fields = c.fields.map(([name, value]) => {
      const text = value === null ? "0" : typeof value === "number" ? `${value}` : `c${i}_${value.constant}`;
      return `.${name} = ${text}`;
    });
    const input = pack(c.input, c.bits);
    const expected = pack(c.output, c.expected);
    return `${arrays}static const bitloom_${kernel} layer${i} = {${fields.join(", ")}};
${cArray("uint32_t", `in${i}`, input)}${cArray("uint32_t", `want${i}`, expected)}`;
  });
  const calls = cases.map((c, i) => {
    const rows = [c.input[0], c.output[0]];
    const bytes = [pack(c.input, c.bits), pack(c.output, c.expected)].map(
      (words, k) => (words.length * 4) / rows[k]!,
    );
    const used = layout === "pixels" ? c.output[2] * unitBytes(c.output[1]) : bytes[1];
    return `check(${i}, &layer${i}, in${i}, ${bytes[0]}u, ${rows[0]}u, want${i}, ${bytes[1]}u, ${rows[1]}u, ${used}u, ${c.scratchBytes}u);`;
  });
  return `#include <stdint.h>
#include <string.h>
#include "bitloom_${kernel}.h"
void put(const char *text);
void put_number(uint32_t number);
void mark_start(void);
void mark_stop(void);
${parts.join("")}
static uint64_t scratch[${Math.ceil(scratch / 8) + 2}];
static uint32_t out[${largest + 1}];
static uint32_t failed;

static void compare(uint32_t index, const uint32_t *want, uint32_t rows, uint32_t row_bytes, uint32_t used) {
    const uint32_t bytes = rows * row_bytes;
    uint32_t y;
    /* What fills a row up to whole words is nobody's. */
    for (y = 0u; y < rows; y++) memset((uint8_t *)out + y * row_bytes + used, 0, row_bytes - used);
    if (memcmp(out, want, bytes) != 0 || out[bytes / 4u] != 0x5a5a5a5au) {
        failed++;
        put("case "); put_number(index); put(" differs\\n");
    }
}

static void check(uint32_t index, const bitloom_${kernel} *layer, const uint32_t *in, uint32_t in_bytes, uint32_t in_rows,
                  const uint32_t *want, uint32_t out_bytes, uint32_t out_rows, uint32_t used, uint32_t scratch_bytes) {
    const bitloom_const_ring from = {in, in_bytes, in_rows};
    const bitloom_ring to = {out, out_bytes, out_rows};
    const uint32_t split = out_rows / 3u;
    if (bitloom_${kernel}_scratch(layer) != scratch_bytes) {
        failed++;
        put("case "); put_number(index); put(" scratch "); put_number(bitloom_${kernel}_scratch(layer)); put("\\n");
    }
    memset(out, 0x5a, sizeof out);
    memset(scratch, 0xa5, sizeof scratch);
    mark_start();
    bitloom_${kernel}_threshold(layer, &from, &to, scratch, 0u, out_rows);
    mark_stop();
    compare(index, want, out_rows, out_bytes, used);
    if (((uint8_t *)scratch)[scratch_bytes] != 0xa5u) {
        failed++;
        put("case "); put_number(index); put(" scratch overrun\\n");
    }
    memset(out, 0x5a, sizeof out);
    bitloom_${kernel}_threshold(layer, &from, &to, scratch, 0u, split);
    bitloom_${kernel}_threshold(layer, &from, &to, scratch, split, out_rows);
    compare(index, want, out_rows, out_bytes, used);
}

int run_checks(void);
int run_checks(void) {
    ${calls.join("\n    ")}
    put_number(${cases.length}u - failed); put(" of ${cases.length} equal\\n");
    return failed != 0u;
}
`;
}

/** The rest of a program for this computer. */
export const hostMain = `#include <stdint.h>
#include <stdio.h>
void put(const char *text); void put_number(uint32_t n); void mark_start(void); void mark_stop(void); int run_checks(void);
void put(const char *text) { fputs(text, stdout); }
void put_number(uint32_t n) { printf("%u", (unsigned)n); }
void mark_start(void) {}
void mark_stop(void) {}
int main(void) { return run_checks(); }
`;

/** The rest of a program for a bare core in QEMU, which prints and exits by semihosting. */
export const bareMain = `#include <stdint.h>
#include <string.h>
extern uint32_t bss_start, bss_end, stack_top;
void put(const char *text); void put_number(uint32_t n); void mark_start(void); void mark_stop(void); int run_checks(void);
void reset(void); void fault(void);
static void call(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
void put(const char *text) { call(4u, text); }
void put_number(uint32_t n) {
    char text[11];
    uint32_t at = 10u;
    text[10] = 0;
    do { text[--at] = (char)('0' + n % 10u); n /= 10u; } while (n != 0u);
    put(text + at);
}
__attribute__((noinline, used)) void mark_start(void) { __asm volatile(""); }
__attribute__((noinline, used)) void mark_stop(void) { __asm volatile(""); }
static void leave(uint32_t code) {
    const uint32_t arguments[2] = {0x20026u, code};
    call(0x20u, arguments);
    for (;;) {}
}
void fault(void) { put("fault\\n"); leave(3u); }
void reset(void) {
    volatile uint32_t *word;
#ifdef __ARM_FEATURE_MVE
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm volatile("dsb\\n\\tisb" ::: "memory");
#endif
    for (word = &bss_start; word < &bss_end; word++) *word = 0u;
    leave((uint32_t)run_checks());
}
typedef union { void (*handler)(void); uint32_t *stack; } vector;
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    {.stack = &stack_top}, {.handler = reset}, {.handler = fault}, {.handler = fault},
    {.handler = fault}, {.handler = fault}, {.handler = fault}};
`;

export function bareScript(code: number, codeBytes: number, ram: number, ramBytes: number): string {
  return `ENTRY(reset)
MEMORY { CODE (rx) : ORIGIN = ${code}, LENGTH = ${codeBytes} RAM (rwx) : ORIGIN = ${ram}, LENGTH = ${ramBytes} }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text .text.* .rodata .rodata.*) . = ALIGN(8); } > CODE
  .ARM.exidx : { *(.ARM.exidx*) } > CODE
  .bss (NOLOAD) : { . = ALIGN(8); bss_start = .; *(.data .data.* .bss .bss.* COMMON) . = ALIGN(8); bss_end = .; } > RAM
  stack_top = ORIGIN(RAM) + LENGTH(RAM);
}
`;
}
