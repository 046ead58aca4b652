/**
 * The projects of examples/packages, each with the library that its package gives. Firmware runs in QEMU and must print what
 * the reference computes. Which build tools are the real ones stands in docs/PACKAGES.md.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { type PackageName, packageFiles } from "../../src/emit/index.js";
import { ZipArchive } from "../../src/formats/zip.js";
import { runDevice } from "../../src/reference/device.js";
import { findOnPath } from "../../src/toolchain/tools.js";
import { firstLines } from "../support/example-firmware.js";
import { compileGraph, mnistMlp } from "../support/models.js";
import { textOf, writePackage } from "../support/packages.js";
import { layeredNet, randomFloats } from "../support/random-graph.js";
import { repoRoot } from "../support/root.js";

const folder = mkdtempSync(join(tmpdir(), "bitloom-package-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const model = mnistMlp({ name: "digits" });
const examples = join(repoRoot, "examples/packages");
const board = join(examples, "cmake");
const common = join(repoRoot, "examples/common");
const hasCmake = findOnPath("cmake") !== undefined;

/** What `recognise_pattern` prints, by the reference. */
const scores = runDevice(
  model.program,
  Int32Array.from({ length: 784 }, (_, i) => (37 * i) & 255),
);
const expected = `scores ${[...scores].join(" ")}\nclass ${scores.indexOf(Math.max(...scores))}\nPASS`;

/** Start-up and linking of the emulated board, beside a project's own flags. */
const bareMetal = [
  "-nostartfiles",
  "--specs=nano.specs",
  "-Wl,--gc-sections",
  `-I${common}`,
  `-L${common}`,
  join(common, "startup.c"),
];
const mps2 = [...bareMetal, `-T${join(board, "mps2.ld")}`, join(board, "uart.c")];
function written(name: PackageName): string {
  return writePackage(mkdtempSync(join(folder, `${name}-`)), packageFiles(model.library, name));
}

async function printed(elf: string, machine = "mps2-an386"): Promise<string> {
  return firstLines(elf, machine, ["stdio"], /PASS|FAIL/);
}

describe.skipIf(!hasCmake)("cmake (by CMake itself; skipped where it is absent)", () => {
  const library = hasCmake ? written("cmake") : "";

  it("builds firmware with a toolchain file, the weights in a section of their own", async () => {
    const build = join(folder, "firmware");
    const options = [
      `-DCMAKE_TOOLCHAIN_FILE=${join(board, "arm-none-eabi.cmake")}`,
      "-DCMAKE_BUILD_TYPE=Release",
      `-DDIGITS_DIR=${library}`,
      "-DDIGITS_WEIGHTS_SECTION=.extflash",
    ];
    await execa("cmake", ["-S", board, "-B", build, ...options]);
    await execa("cmake", ["--build", build, "--parallel", "2"]);
    const elf = join(build, "firmware.elf");
    expect(await printed(elf)).toBe(expected);
    const { stdout } = await execa("arm-none-eabi-size", ["-A", elf]);
    const size = /^\.extflash\s+(\d+)/m.exec(stdout);
    expect(Number(size![1])).toBeGreaterThan(model.plan.weightBytes * 0.9);
  });

  it("is found by find_package after it is installed, in C++ too, with traces and hooks", async () => {
    const build = join(folder, "host");
    const prefix = join(folder, "prefix");
    const hooks = join(folder, "hooks");
    mkdirSync(hooks);
    writeFileSync(
      join(hooks, "bitloom_hooks.h"),
      "extern int layers;\n#define BITLOOM_LAYER_BEGIN(model, index, name) (layers++)\n",
    );
    const options = [`-DCMAKE_INSTALL_PREFIX=${prefix}`, "-DDIGITS_TRACE=ON", `-DDIGITS_HOOKS_DIR=${hooks}`];
    await execa("cmake", ["-S", library, "-B", build, ...options]);
    await execa("cmake", ["--build", build, "--target", "install", "--parallel", "2"]);
    const user = writePackage(join(folder, "user"), [
      {
        path: "CMakeLists.txt",
        content:
          "cmake_minimum_required(VERSION 3.15)\nproject(user LANGUAGES CXX)\nfind_package(digits 1.0 REQUIRED)\n" +
          "add_executable(user main.cpp)\ntarget_link_libraries(user digits::digits)\n",
      },
      {
        path: "main.cpp",
        content: `#include <cstdio>
#include <digits.h>
extern "C" int layers;
int layers;
static int tensors;
void bitloom_trace_tensor(unsigned, const void *, size_t) { tensors++; }
alignas(DIGITS_ARENA_ALIGN) static unsigned char arena[DIGITS_ARENA_SIZE];
int main() {
  static digits_input_t input[DIGITS_INPUT_COUNT];
  digits_output_t output[DIGITS_OUTPUT_COUNT];
  digits_context context;
  if (digits_init(&context, arena) != 0 || digits_run(&context, input, output) != 0) return 1;
  std::printf("%d %d %d", layers, tensors, DIGITS_TENSOR_COUNT);
}
`,
      },
    ]);
    const userBuild = join(folder, "user-build");
    await execa("cmake", ["-S", user, "-B", userBuild, `-DCMAKE_PREFIX_PATH=${prefix}`]);
    await execa("cmake", ["--build", userBuild, "--parallel", "2"]);
    const { stdout } = await execa(join(userBuild, "user"));
    const tensors = model.program.tensors.length;
    expect(stdout).toBe(`${model.plan.steps.length} ${tensors} ${tensors}`);
  });
});

/** `compiler.c.flags` and `compiler.S.flags` of Arduino's cores (samd 1.8.14, mbed 4, renesas 1.5.3), for one board each. */
const cores = {
  samd: {
    board: "Nano 33 IoT",
    c: "-mcpu=cortex-m0plus -mthumb -c -g -Os -std=gnu11 -ffunction-sections -fdata-sections -nostdlib --param max-inline-insns-single=500",
    S: "-mcpu=cortex-m0plus -mthumb -c -g -x assembler-with-cpp",
  },
  mbed_nano: {
    board: "Nano 33 BLE",
    c: "-c -w -g3 -nostdlib -std=gnu11 -Os -fdata-sections -ffunction-sections -fmessage-length=0 -fno-exceptions -fomit-frame-pointer -funsigned-char -mthumb -mcpu=cortex-m4 -mfloat-abi=softfp -mfpu=fpv4-sp-d16",
    S: "-c -x assembler-with-cpp -mcpu=cortex-m4 -mfpu=fpv4-sp-d16",
  },
  renesas_uno: {
    board: "UNO R4",
    c: "-c -w -Os -g3 -nostdlib -std=gnu11 -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -fsigned-char -ffunction-sections -fdata-sections -fmessage-length=0 -fno-builtin -mthumb",
    S: "-c -g -x assembler-with-cpp -Os -mthumb -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -fsigned-char -ffunction-sections -fdata-sections",
  },
} as const;

/** Compiles `src/` of an Arduino library as a core does, into an archive, since the library asks for `dot_a_linkage`. */
async function arduinoArchive(library: string, sources: readonly string[], core: keyof typeof cores) {
  const build = mkdtempSync(join(folder, "objects-"));
  for (const kind of ["c", "S"] as const) {
    const own = sources.filter((s) => s.endsWith(`.${kind}`)).map((s) => join(library, "src", s));
    if (own.length === 0) continue;
    await execa("arm-none-eabi-gcc", [...cores[core][kind].split(" "), `-I${join(library, "src")}`, ...own], {
      cwd: build,
    });
  }
  const archive = join(build, "library.a");
  await execa("arm-none-eabi-ar", [
    "rcs",
    archive,
    ...sources.map((s) => join(build, s.replace(/\.[cS]$/, ".o"))),
  ]);
  return archive;
}

describe("arduino (by the flags of Arduino's cores)", () => {
  const library = written("arduino");
  const { sources } = model.library;
  const sketch = join(examples, "arduino/Digits");

  it.each([
    ["samd", "microbit"],
    ["mbed_nano", "mps2-an386"],
    ["renesas_uno", "mps2-an386"],
  ] as const)("the sketch's C and the library compile for %s and run on %s", async (core, machine) => {
    const archive = await arduinoArchive(library, sources, core);
    const flags = cores[core].c.split(" ").filter((f) => f !== "-c" && f !== "-nostdlib");
    const target =
      machine === "microbit"
        ? [
            ...bareMetal,
            `-T${join(repoRoot, "examples/mnist-mlp/firmware/microbit.ld")}`,
            join(repoRoot, "examples/mnist-mlp/firmware/uart.c"),
          ]
        : mps2;
    const elf = join(folder, `${core}.elf`);
    const own = [
      join(board, "main.c"),
      join(sketch, "recognise.c"),
      `-I${sketch}`,
      `-I${join(library, "src")}`,
    ];
    await execa("arm-none-eabi-gcc", [...flags, ...own, ...target, archive, "-o", elf]);
    expect(await printed(elf, machine)).toBe(expected);
  });

  it("floats are exact with an FPU and contraction as the cores have it", async () => {
    const net = compileGraph(layeredNet(5, [40, 33, 7], 3), randomFloats(1, 40), { output: "float32" });
    const floats = writePackage(join(folder, "floats"), packageFiles(net.library, "arduino"));
    writeFileSync(
      join(floats, "main.c"),
      `#include "uart.h"
#include "net.h"
static uint64_t arena[NET_ARENA_SIZE / 8 + 1];
int main(void)
{
    net_context context;
    uart_init();
    uart_print(net_init(&context, arena) == 0 && net_selftest(&context) == 0 ? "PASS" : "FAIL");
    return 0;
}
`,
    );
    for (const core of ["mbed_nano", "renesas_uno"] as const) {
      const archive = await arduinoArchive(floats, net.library.sources, core);
      const elf = join(folder, `floats-${core}.elf`);
      const flags = cores[core].c.split(" ").filter((f) => f !== "-c" && f !== "-nostdlib");
      const own = [join(floats, "main.c"), join(common, "print.c"), `-I${join(floats, "src")}`];
      await execa("arm-none-eabi-gcc", [...flags, ...own, ...mps2, archive, "-o", elf]);
      expect(await printed(elf), core).toBe("PASS");
    }
  });

  it("the sketches are C++ that needs nothing but the names of Arduino's API", async () => {
    const api = join(folder, "api.h");
    // Declarations of what the sketches call (Arduino's language reference); nothing is defined.
    writeFileSync(
      api,
      "#include <stdint.h>\nvoid setup(); void loop(); void delay(unsigned long);\n" +
        "struct Port { void begin(unsigned long); operator bool(); int write(uint8_t); int print(const char *); int print(char); int print(int); int print(long); int print(unsigned long); int print(double); int println(int); int println(); };\nextern Port Serial;\n",
    );
    for (const path of [join(library, "examples/RunModel/RunModel.ino"), join(sketch, "Digits.ino")]) {
      const flags = [
        "-mcpu=cortex-m4",
        "-mthumb",
        "-std=gnu++14",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsyntax-only",
      ];
      await execa("arm-none-eabi-g++", [
        ...flags,
        `-I${join(library, "src")}`,
        "-include",
        api,
        "-x",
        "c++",
        path,
      ]);
    }
  });

  it("the sketch's copy of the application is the application", () => {
    for (const file of ["recognise.c", "recognise.h"])
      expect(readFileSync(join(sketch, file), "utf8")).toBe(
        readFileSync(join(examples, "common", file), "utf8"),
      );
  });
});

describe("platformio (by what library.json says, on this computer)", () => {
  const library = written("platformio");
  const { build } = JSON.parse(readFileSync(join(library, "library.json"), "utf8"));
  const sources = model.library.sources.map((s) => join(library, build.srcDir, s));
  const project = [join(examples, "platformio/src/main.c"), `-I${join(library, build.includeDir)}`];

  it("the project of the environment `native` runs", async () => {
    const program = join(folder, "native");
    await execa("gcc", ["-O2", ...project, ...sources, "-o", program]);
    expect((await execa(program)).stdout).toBe(expected);
  });

  it("the library's own example runs", async () => {
    const program = join(folder, "run-model");
    const main = join(library, "examples/run_model/src/main.c");
    await execa("gcc", [
      "-O2",
      "-Wall",
      "-Wextra",
      main,
      `-I${join(library, build.includeDir)}`,
      ...sources,
      "-o",
      program,
    ]);
    const zeros = runDevice(model.program, new Int32Array(784));
    expect((await execa(program)).stdout).toBe([...zeros, "PASS"].join("\n"));
  });
});

describe("platformio's README", () => {
  it("places the weights by a header that every file includes", async () => {
    const library = written("platformio");
    const readme = readFileSync(join(library, "README.md"), "utf8");
    const [, header] = /says\n\n```c\n([^`]+)```/.exec(readme)!;
    const [, flag, path] = /^build_flags = (-include) (\S+)$/m.exec(readme)!;
    const project = mkdtempSync(join(folder, "flags-"));
    mkdirSync(join(project, "include"));
    writeFileSync(join(project, path!), header!);
    const source = join(library, "src/digits_weights.c");
    const args = ["-mcpu=cortex-m4", "-mthumb", "-c", flag!, path!, `-I${join(library, "include")}`];
    await execa("arm-none-eabi-gcc", [...args, source, "-o", "weights.o"], { cwd: project });
    const { stdout } = await execa("arm-none-eabi-size", ["-A", join(project, "weights.o")]);
    expect(Number(/^\.extflash\s+(\d+)/m.exec(stdout)![1])).toBeGreaterThan(model.plan.weightBytes * 0.9);
  });
});

describe("cmsis-pack (by the files that the description names)", () => {
  it("the components of the archive are what the project needs", async () => {
    const pack = packageFiles(model.library, "cmsis-pack").at(-1)!.content;
    if (typeof pack === "string") throw new Error("the archive is text");
    const archive = new ZipArchive(pack, 1 << 24);
    const files = archive.names.map((path) => ({ path, content: archive.read(path)! }));
    const installed = writePackage(join(folder, "pack"), files);
    const pdsc = readFileSync(join(installed, "bitloom.digits.pdsc"), "utf8");
    const named = (category: string) =>
      [...pdsc.matchAll(new RegExp(`category="${category}" name="([^"]+)"`, "g"))].map(([, p]) =>
        join(installed, p!),
      );
    const project = readFileSync(join(examples, "cmsis-pack/digits.cproject.yml"), "utf8");
    const own = [...project.matchAll(/- file: (\S+)/g)].map(([, p]) => join(examples, "cmsis-pack", p!));
    expect(own).toHaveLength(3);
    for (const [, component] of project.matchAll(/component: Machine Learning:(.+)/g)) {
      const [group, sub] = component!.split(":");
      expect(pdsc).toContain(`Cclass="Machine Learning" Cgroup="${group}" Csub="${sub}"`);
    }
    const elf = join(folder, "pack.elf");
    const flags =
      "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -O2 -std=gnu11 -ffunction-sections -fdata-sections";
    await execa("arm-none-eabi-gcc", [
      ...flags.split(" "),
      ...bareMetal,
      `-T${join(board, "mps2.ld")}`,
      `-I${join(examples, "common")}`,
      ...named("include").map((p) => `-I${p}`),
      ...named("sourceC"),
      ...named("sourceAsm"),
      ...own,
      "-o",
      elf,
    ]);
    expect(await printed(elf)).toBe(expected);
  });
});

/** What Zephyr's documentation says that its CMake functions do, for building one image of several modules. */
const ZEPHYR_FUNCTIONS = `cmake_minimum_required(VERSION 3.20)
project(image LANGUAGES C ASM)
add_library(zephyr_interface INTERFACE)
function(zephyr_include_directories)
  foreach(dir \${ARGV})
    get_filename_component(path \${dir} ABSOLUTE)
    target_include_directories(zephyr_interface INTERFACE \${path})
  endforeach()
endfunction()
function(zephyr_compile_definitions)
  target_compile_definitions(zephyr_interface INTERFACE \${ARGV})
endfunction()
macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY \${name})
  add_library(\${name} STATIC "")
  target_link_libraries(\${name} PUBLIC zephyr_interface)
  set_property(GLOBAL APPEND PROPERTY ZEPHYR_LIBS \${name})
endmacro()
function(zephyr_library_sources)
  target_sources(\${ZEPHYR_CURRENT_LIBRARY} PRIVATE \${ARGV})
endfunction()
function(zephyr_library_sources_ifdef feature)
  if(\${feature})
    zephyr_library_sources(\${ARGN})
  endif()
endfunction()
`;

describe.skipIf(!hasCmake)(
  "zephyr (its module's CMake, with Zephyr's functions restated; skipped without CMake)",
  () => {
    it("two models make one image, linked whole, with one runtime", async () => {
      const digits = written("zephyr");
      const other = join(folder, "zephyr-other");
      writePackage(other, packageFiles(mnistMlp({ name: "other", goal: "size" }).library, "zephyr"));
      const image = writePackage(join(folder, "image"), [
        {
          path: "CMakeLists.txt",
          content: `${ZEPHYR_FUNCTIONS}
set(CONFIG_BITLOOM_DIGITS y)
set(CONFIG_BITLOOM_DIGITS_SELFTEST y)
set(CONFIG_BITLOOM_DIGITS_WEIGHTS_SECTION ".extflash")
set(CONFIG_BITLOOM_OTHER y)
add_subdirectory(${digits}/zephyr digits)
add_subdirectory(${other}/zephyr other)
add_executable(image.elf ${join(board, "main.c")} ${join(board, "uart.c")} ${join(examples, "common/recognise.c")} ${join(common, "startup.c")})
target_include_directories(image.elf PRIVATE ${common} ${join(examples, "common")})
get_property(libs GLOBAL PROPERTY ZEPHYR_LIBS)
target_link_libraries(image.elf PRIVATE zephyr_interface -Wl,--whole-archive \${libs} -Wl,--no-whole-archive)
target_link_options(image.elf PRIVATE -nostartfiles --specs=nano.specs -L${common} -T${join(board, "mps2.ld")})
`,
        },
      ]);
      const build = join(folder, "image-build");
      const toolchain = `-DCMAKE_TOOLCHAIN_FILE=${join(board, "arm-none-eabi.cmake")}`;
      await execa("cmake", ["-S", image, "-B", build, toolchain, "-DCMAKE_BUILD_TYPE=Release"]);
      await execa("cmake", ["--build", build, "--parallel", "2"]);
      expect(await printed(join(build, "image.elf"))).toBe(expected);
      const { stdout } = await execa("arm-none-eabi-nm", [join(build, "image.elf")]);
      expect(stdout).toMatch(/ T other_run$/m);
      expect(stdout).toMatch(/ T digits_selftest$/m);
      expect(stdout).not.toMatch(/other_selftest/);
    });

    it("the project switches the module on by an option that it has", () => {
      const kconfig = textOf(packageFiles(model.library, "zephyr"), "zephyr/Kconfig");
      const [, symbol] = /^CONFIG_(BITLOOM_\w+)=y$/m.exec(
        readFileSync(join(examples, "zephyr/prj.conf"), "utf8"),
      )!;
      expect(kconfig).toContain(`config ${symbol}\n`);
    });
  },
);
