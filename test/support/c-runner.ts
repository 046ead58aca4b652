/**
 * Compiles a C program of a test with the runtime that it needs, for the host under the sanitizers or for a core in QEMU,
 * and runs it. The program's data lie in one blob; `check.h` is what it may use beside the runtime.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { packageFile } from "../../src/assets/package-files.js";
import { constantBytes } from "../../src/emit/c-data.js";
import type { KernelCall } from "../../src/kernels/types.js";
import { hostCc } from "../../src/toolchain/tools.js";
import { bareFlags, runBare } from "./bare-qemu.js";
import type { BareTarget } from "./kernel-cases.js";

/** Data of a program, one array after another, 8-byte aligned. */
export class Blob {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  /** The C expression of an array with these bytes. */
  add(bytes: Uint8Array): string {
    const at = this.#size;
    const padded = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
    padded.set(bytes);
    this.#parts.push(padded);
    this.#size += padded.length;
    return `take(${at}, ${bytes.length})`;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** C statements that make the descriptor `name` of a call; its constants are named after it. */
export function descriptorText(call: KernelCall, name: string, blob: Blob): string {
  const fieldText = (value: (typeof call.fields)[number][1]): string =>
    value === null ? "NULL" : typeof value === "number" ? String(value) : `${name}_${value.constant}`;
  const steps = call.steps ?? [];
  const stepTexts = steps.map(
    (s) =>
      `{${s.operand === null ? "NULL" : `${name}_${s.operand}`}, ${s.operator}, ${[s.perChannel, s.perColumn, s.perRow].map(Number).join(", ")}}`,
  );
  return [
    ...call.constants.map((c) => `    const ${c.type} *${name}_${c.name} = ${blob.add(constantBytes(c))};`),
    ...(steps.length > 0
      ? [`    const bitloom_scale_step ${name}_steps[] = {${stepTexts.join(", ")}};`]
      : []),
    `    const ${call.type} ${name} = {`,
    ...call.fields.map(([field, value]) => `        .${field} = ${fieldText(value)},`),
    ...(steps.length > 0 ? [`        .steps = ${name}_steps,`] : []),
    "    };",
  ].join("\n");
}

/** On the host every array is an allocation of its own, so that the sanitizers see each access beside it. */
const CHECK = `
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runtime.h"

#ifdef BARE
#include <stdarg.h>
void bare_print(const char *text);
extern const uint8_t blob[];
static uint64_t room_for_all[1u << 17];
static size_t room_used;

static void say(const char *format, ...)
{
    static char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bare_print(text);
}
static void *room(size_t bytes)
{
    void *start = room_for_all + room_used;
    room_used += (bytes + 7u) / 8u;
    if (room_used > sizeof room_for_all / 8u) { say("no room\\n"); exit(3); }
    return start;
}
static void leave(void *start) { (void)start; }
static void leave_all(void) { room_used = 0; }
static void *take(size_t at, size_t bytes) { (void)bytes; return (void *)(uintptr_t)(blob + at); }
#define PROGRAM int main(void)
#define START
#else
static uint8_t *blob;
#define say(...) printf(__VA_ARGS__)
static void *room(size_t bytes) { return malloc(bytes == 0 ? 1 : bytes); }
static void leave(void *start) { free(start); }
static void leave_all(void) { }
static void *take(size_t at, size_t bytes)
{
    void *copy = room(bytes);
    memcpy(copy, blob + at, bytes);
    return copy;
}
static void read_blob(const char *path)
{
    FILE *file = fopen(path, "rb");
    blob = malloc(BLOB_BYTES + 1);
    if (file == NULL || fread(blob, 1, BLOB_BYTES, file) != BLOB_BYTES) exit(2);
    fclose(file);
}
#define PROGRAM int main(int argc, char **argv)
#define START read_blob(argv[argc - 1])
#endif
`;

const SANITIZED = ["-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

export class CRunner {
  readonly folder = mkdtempSync(join(tmpdir(), "bitloom-c-"));
  readonly #compiled = new Map<string, Promise<string>>();
  #runs = 0;

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the program says; `source` includes check.h and defines PROGRAM, `calls` are those that it makes. */
  async run(source: string, blob: Blob, calls: readonly KernelCall[], target?: BareTarget): Promise<string> {
    const objects = await this.#runtime(calls, target);
    const folder = join(this.folder, String(this.#runs++));
    mkdirSync(folder);
    const bytes = blob.bytes();
    writeFileSync(join(folder, "check.h"), `#define BLOB_BYTES ${bytes.length}u\n${CHECK}`);
    writeFileSync(join(folder, "main.c"), source);
    writeFileSync(join(folder, "blob"), bytes);
    const image = join(folder, "image");
    const said =
      target === undefined
        ? await this.#onHost(folder, image, objects)
        : await this.#inQemu(folder, objects, target);
    rmSync(folder, { recursive: true });
    return said;
  }

  #includes(): string[] {
    return [`-I${packageFile("runtime-c")}`, `-I${this.folder}`];
  }

  async #onHost(folder: string, image: string, objects: readonly string[]): Promise<string> {
    const flags = [...SANITIZED, "-O0", "-Wno-unused-function", ...this.#includes()];
    await execa(hostCc(), [...flags, "main.c", ...objects, "-o", image], { cwd: folder });
    const env = { ASAN_OPTIONS: "detect_leaks=0" };
    return (await execa(image, [join(folder, "blob")], { all: true, reject: false, env })).all;
  }

  async #inQemu(folder: string, objects: readonly string[], target: BareTarget): Promise<string> {
    const blob = '.section .rodata\n.balign 8\n.global blob\nblob:\n.incbin "blob"\n';
    writeFileSync(join(folder, "blob.S"), blob);
    const args = ["-DBARE", ...this.#includes(), "main.c", "blob.S", ...objects];
    return runBare(folder, args, target);
  }

  /** Objects of the runtime files of some calls, each compiled once for a target. */
  async #runtime(calls: readonly KernelCall[], target: BareTarget | undefined): Promise<string[]> {
    const runtime = packageFile("runtime-c");
    const headers = readdirSync(runtime).filter((f) => f.endsWith(".h"));
    writeFileSync(join(this.folder, "runtime.h"), headers.map((h) => `#include "${h}"`).join("\n"));
    const name = (target?.name ?? "host").replaceAll(/\W/g, "-");
    const [compiler, flags] =
      target === undefined ? [hostCc(), SANITIZED] : ["arm-none-eabi-gcc", bareFlags(target)];
    const objects: string[] = [];
    for (const file of new Set(calls.flatMap((c) => c.runtime).filter((f) => /\.[cS]$/.test(f)))) {
      const object = join(this.folder, `${name}-${file}.o`);
      const compiled =
        this.#compiled.get(object) ??
        execa(compiler, [...flags, "-c", join(runtime, file), "-o", object]).then(() => object);
      this.#compiled.set(object, compiled);
      objects.push(await compiled);
    }
    return objects;
  }
}
