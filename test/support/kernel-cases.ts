/**
 * Runs kernel choices on data by a generated C program, on the host or on a core in QEMU: whole maps, and row by
 * row through rings that hold only the rows of one step. Compares with expected bytes and looks for writes past the scratch.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { packageFile } from "../../src/assets/package-files.js";
import { arrayText, asWords } from "../../src/emit/c-data.js";
import type { KernelChoice } from "../../src/kernels/types.js";
import { hostCc } from "../../src/toolchain/tools.js";
import { repoRoot } from "./root.js";

export interface KernelCase {
  readonly name: string;
  readonly choice: KernelChoice;
  /** Bytes of the input in the layout of the choice. */
  readonly input: Uint8Array;
  readonly inputRows: number;
  /** First input row that output row y reads (may be negative), and how many follow. */
  readonly reads: { readonly stride: number; readonly pad: number; readonly rows: number };
  readonly expected: Uint8Array;
  readonly outputRows: number;
}

/** Where a program runs: `cpu` is GCC's name. */
export interface BareTarget {
  readonly name: string;
  readonly cpu: string;
  readonly machine: string;
  readonly code?: string;
  readonly ram?: string;
  readonly defines?: readonly string[];
  /** GCC's, `soft` if absent. */
  readonly floatAbi?: string;
}

export const bareTargets: readonly BareTarget[] = [
  { name: "M4", cpu: "cortex-m4", machine: "mps2-an386" },
  { name: "M4, portable C", cpu: "cortex-m4", machine: "mps2-an386", defines: ["-DBITLOOM_PORTABLE_C"] },
  { name: "M3", cpu: "cortex-m3", machine: "mps2-an385" },
  // Code for v6-M on a v7-M machine, which QEMU has with enough memory; it only lacks the faults of v6-M.
  { name: "M0", cpu: "cortex-m0", machine: "mps2-an385" },
  { name: "M7", cpu: "cortex-m7", machine: "mps2-an500", code: "0x0" },
  { name: "M33", cpu: "cortex-m33", machine: "mps2-an505", code: "0x10000000", ram: "0x38000000" },
];

/** A core with MVE, for kernels that have a version for it. */
export const mveTarget: BareTarget = {
  name: "M55",
  cpu: "cortex-m55+nofp",
  machine: "mps3-an547",
  floatAbi: "softfp",
  ram: "0x60000000",
};

/** Runs the cases on the host with sanitizers; returns what went wrong. */
export async function runOnHost(cases: readonly KernelCase[]): Promise<string> {
  return inFolder(async (folder) => {
    writeFileSync(join(folder, "main.c"), `#include <stdio.h>\n${programText(cases, "fputs(text, stdout)")}`);
    const binary = join(folder, "cases");
    const flags = ["-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    await execa(hostCc(), [...flags, ...includes(folder), "-o", binary, "main.c", ...sources(cases)], {
      cwd: folder,
    });
    return (await execa(binary, { reject: false, all: true })).all;
  });
}

/** Runs the cases on a core in QEMU; returns what went wrong. */
export async function runInQemu(cases: readonly KernelCase[], target: BareTarget): Promise<string> {
  return inFolder(async (folder) => {
    const text = `void bare_print(const char *);\n${programText(cases, "bare_print(text)")}`;
    writeFileSync(join(folder, "main.c"), text);
    const bare = join(repoRoot, "test/support/bare-metal");
    const image = join(folder, "cases.elf");
    await execa(
      "arm-none-eabi-gcc",
      [
        `-mcpu=${target.cpu}`,
        `-mfloat-abi=${target.floatAbi ?? "soft"}`,
        ..."-mthumb -O2 -std=gnu11 -ffunction-sections -Wl,--gc-sections -nostartfiles".split(" "),
        "--specs=nosys.specs",
        ...(target.defines ?? []),
        ...includes(folder),
        `-Wl,--defsym=BARE_CODE=${target.code ?? "0x0"}`,
        `-Wl,--defsym=BARE_RAM=${target.ram ?? "0x20000000"}`,
        ...["-T", join(bare, "link.ld"), join(bare, "start.c"), "main.c", ...sources(cases), "-o", image],
      ],
      { cwd: folder },
    );
    const qemu = ["-M", target.machine, "-nographic", "-monitor", "none", "-serial", "none"];
    const semihosting = ["-semihosting-config", "enable=on,target=native", "-kernel", image];
    const run = execa("qemu-system-arm", [...qemu, ...semihosting], {
      reject: false,
      all: true,
      stdin: "ignore",
      timeout: 120_000,
    });
    return (await run).all;
  });
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "bitloom-kernel-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const runtimeFolder = packageFile("runtime-c");

function includes(folder: string): string[] {
  return ["-I", runtimeFolder, "-I", folder];
}

function sources(cases: readonly KernelCase[]): string[] {
  const files = new Set(cases.flatMap((c) => c.choice.call.runtime).filter((f) => /\.[cS]$/.test(f)));
  return [...files].map((f) => join(runtimeFolder, f));
}

function programText(cases: readonly KernelCase[], print: string): string {
  const headers = new Set(cases.flatMap((c) => c.choice.call.runtime).filter((f) => f.endsWith(".h")));
  const sizes = cases.map((c) => Math.max(c.expected.length, c.input.length, 8));
  return [
    ...["<stdint.h>", "<string.h>"].map((h) => `#include ${h}`),
    ...[...headers].map((h) => `#include "${h}"`),
    `static uint64_t scratch[${Math.max(...cases.map((c) => c.choice.scratchBytes)) / 8 + 2}];`,
    `static uint64_t room[${Math.ceil(Math.max(...sizes) / 8) + 2}], ring_in[${Math.ceil(Math.max(...sizes) / 8) + 2}];`,
    `static void print(const char *text) { ${print}; }`,
    CHECK,
    ...cases.map(caseText),
    "int main(void) {",
    "    int failures = 0;",
    ...cases.map((_, i) => `    failures += case${i}();`),
    `    print(failures == 0 ? "all equal\\n" : "failed\\n");`,
    "    return failures != 0;",
    "}",
    "",
  ].join("\n");
}

/** A case through the macro: the function, its layer, data and geometry. */
const CHECK = `
#define RING_ROWS(height, rows) ((rows) < (height) ? (rows) : (height))
#define CASE(i, label, FUNCTION, SCRATCH, IN_ROWS, IN_BYTES, OUT_ROWS, OUT_BYTES, STRIDE, PAD, ROWS)                  \\
static int case##i(void) {                                                                                          \\
    const bitloom_const_ring whole_in = {input##i, IN_BYTES, IN_ROWS};                                              \\
    const bitloom_ring whole_out = {room, OUT_BYTES, OUT_ROWS};                                                     \\
    const uint32_t slots = RING_ROWS(IN_ROWS, ROWS);                                                                \\
    const bitloom_const_ring some_in = {ring_in, IN_BYTES, slots};                                                  \\
    const bitloom_ring one_out = {room, OUT_BYTES, 1u};                                                             \\
    int32_t y, row;                                                                                                 \\
    memset(scratch, 0xaa, sizeof scratch);                                                                          \\
    memset(room, 0x55, sizeof room);                                                                                \\
    FUNCTION(&layer##i, &whole_in, &whole_out, scratch, 0u, OUT_ROWS);                                              \\
    if (memcmp(room, expected##i, OUT_BYTES * OUT_ROWS) != 0) { print(label ": differs\\n"); return 1; }             \\
    for (y = 0; y < (int32_t)(OUT_ROWS); y++) {                                                                     \\
        memset(ring_in, 0x33, sizeof ring_in);                                                                      \\
        memset(room, 0x55, sizeof room);                                                                            \\
        for (row = y * (STRIDE) - (PAD); row < y * (STRIDE) - (PAD) + (ROWS); row++)                                \\
            if (row >= 0 && row < (IN_ROWS))                                                                        \\
                memcpy((uint8_t *)ring_in + ((uint32_t)row % slots) * IN_BYTES,                                     \\
                       (const uint8_t *)input##i + (uint32_t)row * IN_BYTES, IN_BYTES);                             \\
        FUNCTION(&layer##i, &some_in, &one_out, scratch, (uint32_t)y, (uint32_t)y + 1u);                            \\
        if (memcmp(room, (const uint8_t *)expected##i + (uint32_t)y * OUT_BYTES, OUT_BYTES) != 0) {                 \\
            print(label ": differs in rings\\n");                                                                    \\
            return 1;                                                                                               \\
        }                                                                                                           \\
    }                                                                                                               \\
    for (y = (SCRATCH); y < (int32_t)sizeof scratch; y++)                                                           \\
        if (((const uint8_t *)scratch)[y] != 0xaa) { print(label ": writes past the scratch\\n"); return 1; }        \\
    return 0;                                                                                                       \\
}
`;

function caseText(c: KernelCase, i: number): string {
  const { call, scratchBytes } = c.choice;
  const constants = call.constants.map(
    (k) => `static const ${k.type} ${k.name}${i}[] = {\n${arrayText(k.type, k.values)}\n};`,
  );
  const fields = call.fields.map(([name, value]) => {
    const text = value === null ? "0" : typeof value === "number" ? String(value) : `${value.constant}${i}`;
    return `    .${name} = ${text},`;
  });
  const inBytes = c.input.length / c.inputRows;
  const outBytes = c.expected.length / c.outputRows;
  const { stride, pad, rows } = c.reads;
  const geometry = [scratchBytes, c.inputRows, inBytes, c.outputRows, outBytes, stride, pad, rows];
  return [
    ...constants,
    `static const uint32_t input${i}[] = {\n${arrayText("uint32_t", asWords(c.input))}\n};`,
    `static const uint32_t expected${i}[] = {\n${arrayText("uint32_t", asWords(c.expected))}\n};`,
    `static const ${call.type} layer${i} = {\n${fields.join("\n")}\n};`,
    `CASE(${i}, ${JSON.stringify(c.name)}, ${call.function}, ${geometry.join(", ")})`,
  ].join("\n");
}
