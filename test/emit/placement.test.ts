/**
 * Where constants and working memory lie: firmware linked by the library's part of a linker script, as docs/C-API.md shows it,
 * run in QEMU.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { qemuEmulator } from "../../src/emulators/index.js";
import { constantBytes } from "../../src/plan/index.js";
import { findBoard } from "../../src/targets/index.js";
import { buildFirmware, compileForCpu, findOnPath, type LibraryOnDisk } from "../../src/toolchain/index.js";
import { writeLibrary } from "../../src/verify.js";
import { firstLines } from "../support/example-firmware.js";
import { mnistCnn, mnistMlp } from "../support/models.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-placement-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasQemu = (await qemuEmulator.find()) !== undefined;
const board = findBoard("mps2-an386");
const page = readFileSync(join(repoRoot, "docs/C-API.md"), "utf8");
/** The examples of a linker script. */
const scripts = [...page.matchAll(/```ld\n([\s\S]*?)```/g)].map(([, text]) => text!);

/** The example of two banks. */
const [bankProgram] = [...page.matchAll(/```c\n([\s\S]*?)```/g)].flatMap(([, t]) =>
  /arena1/.test(t!) ? [t!] : [],
);

const model = mnistMlp({ name: "net" });
const library = writeLibrary(model, join(folder, "library"));
const weighted = model.plan.steps.flatMap(({ choice }, i) => (choice.call.constants.length > 0 ? [i] : []));

/** Two memories of the machine beside its flash and RAM; the sizes are the test's. */
const MEMORIES = (itcm: number): string => `MEMORY
{
    FLASH (rx) : ORIGIN = 0x00000000, LENGTH = 4M
    RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 1M
    ITCM (rwx) : ORIGIN = 0x20200000, LENGTH = ${itcm}
    DTCM (rwx) : ORIGIN = 0x21000000, LENGTH = 256K
}
`;

const MAIN = `#include "net.h"
#include "uart.h"
#ifdef NET_ARENA_BANKS
extern int start_banks(net_context *context);
#else
static NET_ARENA(arena);
NET_ARENA_CHECK(arena);
#endif
int main(void)
{
    static net_context context;
    int status;
    uart_init();
#ifdef LOADS
    net_load_weights();
#endif
#ifdef NET_ARENA_BANKS
    status = start_banks(&context);
#else
    status = net_init(&context, arena);
#endif
    status = status == BITLOOM_OK ? net_selftest(&context) : status;
    uart_print(status == BITLOOM_OK ? "PASS\\n" : status == BITLOOM_ERROR_LAYER(${weighted[0]}) ? "FAIL: first layer\\n" : "FAIL\\n");
    return 0;
}
`;

interface Build {
  /** The whole linker script. */
  readonly script: string;
  /** Flags of the program. */
  readonly flags?: readonly string[];
  /** Flags with which the weights are compiled again. */
  readonly weights?: readonly string[];
  /** A library for several banks: with the program of docs/C-API.md. */
  readonly banks?: LibraryOnDisk;
}

const m4 = [...board.cpu.gccFlags, "-O2", "-std=c99", "-ffunction-sections", "-fdata-sections"];
const common = join(repoRoot, "examples/common");
let objects: readonly string[] = [];
let builds = 0;

beforeAll(async () => {
  objects = await compileForCpu(library, board.cpu, join(folder, "objects"), false);
});

/** Links the program with the library and returns the ELF file. */
async function build({ script, flags = [], weights, banks }: Build): Promise<string> {
  const from = banks ?? library;
  const dir = mkdtempSync(join(folder, `build${builds++}-`));
  writeFileSync(join(dir, "main.c"), MAIN);
  writeFileSync(join(dir, "program.ld"), script);
  writeFileSync(join(dir, "banks.c"), bankProgram);
  const own = [
    join(dir, "main.c"),
    ...["startup.c", "print.c"].map((f) => join(common, f)),
    join(repoRoot, "examples/packages/cmake/uart.c"),
    ...(weights === undefined ? [] : [join(library.dir, "net_weights.c")]),
    ...(banks === undefined ? [] : [join(dir, "banks.c")]),
  ];
  const all =
    banks === undefined ? objects : await compileForCpu(banks, board.cpu, join(dir, "objects"), false);
  const others = weights === undefined ? all : all.filter((o) => !o.endsWith("net_weights.o"));
  const elf = join(dir, "program.elf");
  await execa(
    "arm-none-eabi-gcc",
    [
      ...[...m4, ...flags, ...(weights ?? []), `-I${from.dir}`, `-I${common}`],
      ...["-nostartfiles", "--specs=nano.specs", "-Wl,--gc-sections", "-Wl,--fatal-warnings"],
      ...[`-L${from.dir}`, `-T${join(dir, "program.ld")}`, ...own, ...others, "-o", elf],
    ],
    { env: { LC_ALL: "C" } },
  );
  return elf;
}

const run = (elf: string): Promise<string> => firstLines(elf, board.id, ["stdio"], /(PASS|FAIL.*)\r?\n/);

/** Addresses of the constants of every layer. */
async function addresses(elf: string, { plan } = model): Promise<{ layer: number; address: number }[]> {
  const { stdout } = await execa("arm-none-eabi-nm", [elf]);
  return plan.steps.flatMap(({ symbol, choice }, layer) =>
    choice.call.constants.map(({ name }) => {
      const [, address] = new RegExp(`^([0-9a-f]+) R net_${symbol}_${name}$`, "im").exec(stdout)!;
      return { layer, address: Number.parseInt(address!, 16) };
    }),
  );
}

const isIn = (origin: number, size: number) => (address: number) =>
  address >= origin && address < origin + size;
const inItcm = isIn(0x20200000, 1 << 20);
const inFlash = isIn(0, 4 << 20);

describe.skipIf(!hasQemu || findOnPath("arm-none-eabi-gcc") === undefined)("weights in QEMU", () => {
  const copied = (itcm = 1 << 20): string => MEMORIES(itcm) + scripts[0]!;

  it("are read from the memory to which they are copied, and only after they are", async () => {
    const elf = await build({ script: copied(), flags: ["-DLOADS"] });
    const places = await addresses(elf);
    expect(places.length).toBeGreaterThan(2);
    expect(places.filter(({ address }) => !inItcm(address))).toEqual([]);
    expect(await run(elf)).toBe("PASS");
    expect(await run(await build({ script: copied() }))).toBe("FAIL: first layer");
  });

  it("stay where they are where both memories are the same", async () => {
    const script = copied().replace('"NET_WEIGHTS", ITCM', '"NET_WEIGHTS", FLASH');
    const elf = await build({ script, flags: ["-DLOADS"] });
    expect((await addresses(elf)).filter(({ address }) => !inFlash(address))).toEqual([]);
    expect(await run(elf)).toBe("PASS");
  });

  it("of one layer go where the script or a macro puts them", async () => {
    const [first] = weighted;
    const before = `.fast : { *(.rodata.net.layer${first}) } > ITCM AT > FLASH\n    INCLUDE`;
    const byScript = copied()
      .replace('"NET_WEIGHTS", ITCM', '"NET_WEIGHTS", FLASH')
      .replace("INCLUDE", before);
    const byMacro = byScript.replace(`.rodata.net.layer${first}`, ".mine");
    const weights = [`-DNET_WEIGHTS_SECTION_LAYER${first}=__attribute__((section(".mine")))`];
    for (const options of [{ script: byScript }, { script: byMacro, weights }]) {
      for (const { layer, address } of await addresses(await build(options))) {
        expect(layer === first ? inItcm(address) : inFlash(address)).toBe(true);
      }
    }
  });

  it("that are too many name the layer", async () => {
    // So much that the first layers fit.
    const sizes = model.plan.steps.map(({ choice }) => constantBytes(choice));
    const layer = weighted.at(-1)!;
    const room = sizes.slice(0, layer).reduce((a, b) => a + b, 0) + 64;
    const error = await build({ script: copied(room) }).then(
      () => "linked",
      ({ stderr }) => String(stderr),
    );
    const named = [...error.matchAll(/: net: the constants of layer (\d+) \(.+\) do not fit NET_WEIGHTS$/gm)];
    expect(named.map(([, n]) => Number(n))).toEqual([layer]);
    expect(error).toContain("region `ITCM' overflowed by");
  });

  it.each([
    ["speed", [12 * 1024, 16 * 1024]],
    ["ram", [400, 400]],
  ] as const)("are copied, and an arena for %s is in two memories", async (goal, sizes) => {
    const net = mnistCnn({ name: "net", goal, banks: sizes });
    const { banks = [], arenaBytes } = net.plan.memory;
    // Neither bank is there in vain.
    expect(banks.every((bytes) => bytes > 64 && bytes < arenaBytes)).toBe(true);
    const dir = mkdtempSync(join(folder, "banks-"));
    const elf = await build({ script: copied(), flags: ["-DLOADS"], banks: writeLibrary(net, dir) });
    const { stdout } = await execa("arm-none-eabi-nm", [elf]);
    expect(stdout).toMatch(/^21[0-9a-f]{6} b arena0$/m);
    expect(stdout).toMatch(/^200[0-9a-f]{5} b arena1$/m);
    expect(await run(elf)).toBe("PASS");
  });

  it("are never at address 0, where a Cortex-M7 has its ITCM", async () => {
    const { memories } = findBoard("nucleo-h753zi");
    const named = [
      { name: "flash", ...memories.flash },
      { name: "ram", ...memories.ram },
      ...(memories.others ?? []),
    ];
    const lines = named.map((m) => `${m.name.toUpperCase()} : ORIGIN = ${m.origin}, LENGTH = ${m.size}`);
    const net = mnistCnn({ name: "net", banks: [16384, 16384] });
    const banks = writeLibrary(net, mkdtempSync(join(folder, "h7-")));
    const script = `MEMORY\n{\n${lines.join("\n")}\n}\n${scripts[0]!}`;
    const elf = await build({ script, flags: ["-DLOADS"], banks });
    const places = await addresses(elf, net);
    expect(places.length).toBeGreaterThan(2);
    for (const { address } of places) {
      expect(address).toBeGreaterThanOrEqual(8);
      expect(address).toBeLessThan(64 * 1024);
    }
    const { stdout } = await execa("arm-none-eabi-nm", [elf]);
    const at = (symbol: string): number =>
      Number.parseInt(new RegExp(`^([0-9a-f]+) . ${symbol}$`, "m").exec(stdout)![1]!, 16);
    // The image has the words that are left out, too.
    const { stdout: sections } = await execa("arm-none-eabi-objdump", ["-h", elf]);
    const [, address, load] = /\.net_weights +[0-9a-f]+ +([0-9a-f]+) +([0-9a-f]+)/.exec(sections)!;
    expect([Number.parseInt(address!, 16), at("net_weights_start")]).toEqual([0, 8]);
    expect(at("net_weights_load")).toBe(Number.parseInt(load!, 16) + 8);
    // The DTCM, and the RAM that a Cortex-M7 has on its bus.
    expect([at("arena0") >>> 16, at("arena1") >>> 16]).toEqual([0x2000, 0x2400]);
  });

  it("that do not fit the flash of a board are named by bitloom", async () => {
    const flash = { ...board.memories.flash, size: 16 * 1024 };
    const small = { ...board, memories: { ...board.memories, flash } };
    const outDir = join(folder, "small");
    const options = { library, board: small, outDir, trace: false, libraryObjects: objects };
    await expect(buildFirmware(options)).rejects.toThrow(
      /\(the constants of layer \d+ \(\w+\) are the first that do not fit\)/,
    );
  });
});

describe.skipIf(findOnPath("arm-none-eabi-gcc") === undefined)("an arena that is declared", () => {
  const layer = /net: arena is too small for layer \d+ \(\w+\)/;

  async function compiled(language: string, text: string): Promise<string> {
    const file = join(folder, `arena.${language.includes("++") ? "cpp" : "c"}`);
    writeFileSync(file, `#include "net.h"\n${text}\n`);
    const warnings = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"];
    const compiler = language.includes("++") ? "arm-none-eabi-g++" : "arm-none-eabi-gcc";
    const flags = [`-std=${language}`, "-mcpu=cortex-m4", "-mthumb", "-fsyntax-only", ...warnings];
    const { stderr } = await execa(compiler, [...flags, `-I${library.dir}`, file], { reject: false });
    return stderr;
  }

  it.each(["c99", "c11", "c++98", "c++14"])("is checked in %s", async (language) => {
    expect(await compiled(language, "NET_ARENA(a);\nNET_ARENA_CHECK(a);")).toBe("");
    const isOld = language === "c99" || language === "c++98";
    const small = await compiled(language, "uint64_t a[NET_ARENA_SIZE / 8U - 1U];\nNET_ARENA_CHECK(a);");
    expect(small).toMatch(isOld ? /net_layer\d+_\w+_needs_more_arena/ : layer);
    const loose = await compiled(language, "uint8_t a[NET_ARENA_SIZE];\nNET_ARENA_CHECK(a);");
    expect(loose).toMatch(isOld ? /net_arena_is_not_aligned/ : /net: arena is not aligned to 8 bytes/);
    expect(loose).not.toMatch(/needs_more|too small/);
  });
});
