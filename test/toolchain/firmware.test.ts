import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageFile } from "../../src/assets/package-files.js";
import { uartDrivers } from "../../src/targets/board-file.js";
import { findBoard, listCpus } from "../../src/targets/index.js";
import {
  buildFirmware,
  buildHost,
  LIBRARY_FLAGS,
  type LibraryOnDisk,
  runTool,
} from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy } from "./toy.js";

const strict = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror", "-fsyntax-only"];
const folder = temporaryFolder();

/** The toy library under another name. */
function renamed(name: string): LibraryOnDisk {
  const dir = join(folder, `library-${name}`);
  cpSync(toy.dir, dir, { recursive: true });
  for (const file of readdirSync(dir).filter((f) => f.startsWith("toy"))) {
    const text = readFileSync(join(dir, file), "utf8");
    writeFileSync(join(dir, file), text.replaceAll("toy", name).replaceAll("TOY", name.toUpperCase()));
    renameSync(join(dir, file), join(dir, file.replace("toy", name)));
  }
  return { dir, name, sources: toy.sources.map((s) => s.replace("toy", name)) };
}

describeWith(["arm-none-eabi-gcc"], "firmware", () => {
  // test/boards builds for every board.
  it.each(["microbit", "nucleo-h753zi", "mps2-an505"])("for %s fits its memories", async (id) => {
    const board = findBoard(id);
    const firmware = await buildFirmware({ library: toy, board, outDir: join(folder, id), trace: false });
    const { flash, ram } = board.memories;
    expect(firmware.flashBytes).toBeLessThan(flash.size);
    expect(firmware.ramBytes + firmware.reservedStackBytes).toBeLessThan(ram.size);
    expect(firmware.library.flashBytes).toBeLessThan(firmware.flashBytes);
    expect(firmware.library.ramBytes).toBe(0);
  });

  it.each(listCpus().map((c) => [c.id, c] as const))("builds for %s", async (id, cpu) => {
    const board = { ...findBoard("mps2-an385"), cpu };
    const { reservedStackBytes } = await buildFirmware({
      library: toy,
      board,
      outDir: join(folder, id),
      trace: true,
    });
    expect(reservedStackBytes).toBeGreaterThan(0);
  });

  it("that does not fit says how much is missing", async () => {
    const board = findBoard("microbit");
    const small = { ...board, memories: { ...board.memories, ram: { origin: 0x20000000, size: 3000 } } };
    const building = buildFirmware({
      library: toy,
      board: small,
      outDir: join(folder, "small"),
      trace: false,
    });
    await expect(building).rejects.toMatchObject({
      exitCode: 1,
      diagnostics: [
        {
          code: "toolchain/does-not-fit",
          message: expect.stringMatching(/: \d+ bytes of RAM are needed, 3000 are there$/),
          where: "microbit",
          remedy: expect.stringContaining("--optimize ram"),
        },
      ],
      shortages: [{ memory: "RAM", needed: expect.any(Number), size: 3000 }],
    });
  });

  it("that does not fit needs what it takes where there is room", async () => {
    const board = findBoard("microbit");
    const { flash, ram } = board.memories;
    const build = (flashSize: number, ramSize: number, name: string) =>
      buildFirmware({
        ...{ library: toy, outDir: join(folder, name), trace: false },
        board: {
          ...board,
          memories: { flash: { ...flash, size: flashSize }, ram: { ...ram, size: ramSize } },
        },
      });
    const roomy = await build(flash.size, ram.size, "roomy");
    const needed = [roomy.flashBytes, roomy.ramBytes + roomy.reservedStackBytes] as const;
    await build(needed[0], needed[1], "exact");
    const flashShort = { memory: "flash", needed: needed[0], size: needed[0] - 8 };
    const ramShort = { memory: "RAM", needed: needed[1], size: needed[1] - 16 };
    await expect(build(needed[0] - 8, ram.size, "less-flash")).rejects.toMatchObject({
      shortages: [flashShort],
    });
    await expect(build(flash.size, needed[1] - 16, "less-ram")).rejects.toMatchObject({
      shortages: [ramShort],
    });
    // The linker tells of both where sections and not only their alignment are beyond the end.
    await expect(build(needed[0] - 512, needed[1] - 512, "less")).rejects.toMatchObject({
      shortages: [
        { ...flashShort, size: needed[0] - 512 },
        { ...ramShort, size: needed[1] - 512 },
      ],
    });
  });

  it("links the objects of another build as they are", async () => {
    const board = findBoard("nucleo-f446re");
    const common = { library: toy, trace: false };
    const first = await buildFirmware({ ...common, board, outDir: join(folder, "first") });
    const again = await buildFirmware({
      ...common,
      board: findBoard("mps2-an386"),
      outDir: join(folder, "again"),
      libraryObjects: first.libraryObjects,
    });
    expect(again.libraryObjects).toBe(first.libraryObjects);
    expect(again.reservedStackBytes).toBe(first.reservedStackBytes);
    expect(readdirSync(join(folder, "again"))).not.toContain("library");
  });

  it.each([
    "uart",
    "board",
    "model",
    "protocol",
    "harness",
    "library",
    "main",
  ])("builds a model that is called %s", async (name) => {
    const library = renamed(name);
    const board = findBoard("microbit");
    await buildFirmware({ library, board, outDir: join(folder, `named-${name}`), trace: true });
    await buildHost({ library, outDir: join(folder, `named-${name}-host`), trace: true });
  });

  it("with an error in the library shows the compiler's words", async () => {
    const dir = join(folder, "broken-library");
    cpSync(toy.dir, dir, { recursive: true });
    writeFileSync(join(dir, "toy_weights.c"), "int broken = ;\n");
    const library = { ...toy, dir };
    await expect(
      buildFirmware({ library, board: findBoard("microbit"), outDir: join(folder, "broken"), trace: false }),
    ).rejects.toThrow(/toy_weights\.c.*expected expression/s);
  });

  it("has library objects with the flags of a user, and the marker of trace builds only in trace builds", async () => {
    expect(LIBRARY_FLAGS).toEqual([
      "-O2",
      "-std=c99",
      "-ffunction-sections",
      "-fdata-sections",
      "-fno-schedule-insns",
    ]);
    const undefinedSymbols = async (trace: boolean): Promise<string> => {
      const outDir = join(folder, `symbols-${trace}`);
      const { libraryObjects } = await buildFirmware({
        library: toy,
        board: findBoard("microbit"),
        outDir,
        trace,
      });
      return runTool("arm-none-eabi-nm", ["-u", ...libraryObjects], "test", "nm");
    };
    expect(await undefinedSymbols(true)).toContain("bitloom_trace_tensor");
    expect(await undefinedSymbols(false)).not.toContain("bitloom_trace_tensor");
  });

  it.each(["cortex-m0", "cortex-m33"])("has a harness without warnings on %s", async (cpu) => {
    const outDir = join(folder, "warnings");
    await buildFirmware({ library: toy, board: findBoard("nucleo-h753zi"), outDir, trace: true });
    const harness = packageFile("templates/harness");
    const board = readdirSync(harness).filter((file) => /^(uart|boot)_.*\.c$/.test(file));
    expect(board).toHaveLength(uartDrivers.length + 3);
    for (const file of ["main.c", "protocol.c", "startup.c", "fault.c", ...board]) {
      const flags = [
        ...strict,
        "-std=c99",
        `-mcpu=${cpu}`,
        "-mthumb",
        "-DBITLOOM_TRACE",
        `-I${outDir}`,
        `-I${harness}`,
        `-I${toy.dir}`,
      ];
      expect(await runTool("arm-none-eabi-gcc", [...flags, join(harness, file)], "test", file)).toBe("");
    }
  });
});

describeWith(["cc", "clang"], "the host build", () => {
  it("has no warnings with either compiler", async () => {
    const outDir = join(folder, "host");
    await buildHost({ library: toy, outDir, trace: true });
    const harness = packageFile("templates/harness");
    for (const compiler of ["cc", "clang"]) {
      for (const file of ["main.c", "protocol.c", "host.c"]) {
        const flags = [
          ...strict,
          "-std=c99",
          "-DBITLOOM_TRACE",
          `-I${outDir}`,
          `-I${harness}`,
          `-I${toy.dir}`,
        ];
        expect(await runTool(compiler, [...flags, join(harness, file)], "test", file)).toBe("");
      }
    }
  });
});
