import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findBoard, findCpu } from "../../src/targets/index.js";
import { buildFirmware, checkArmv6M, runTool } from "../../src/toolchain/index.js";
import { describeWith, temporaryFolder, toy } from "./toy.js";

describeWith(["arm-none-eabi-gcc", "arm-none-eabi-objdump"], "the Armv6-M check", () => {
  const folder = temporaryFolder();

  async function assemble(name: string, cpu: string, body: string): Promise<string> {
    const source = join(folder, `${name}.s`);
    const object = join(folder, `${name}.o`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(source, `.syntax unified\n.thumb\n.text\n.thumb_func\n${name}:\n${body}\n`);
    await runTool(
      "arm-none-eabi-gcc",
      [`-mcpu=${cpu}`, "-mthumb", "-c", source, "-o", object],
      "test",
      source,
    );
    return object;
  }

  it.each(["cortex-m0", "cortex-m0plus"])("finds nothing in a firmware for %s", async (id) => {
    const board = { ...findBoard("microbit"), cpu: findCpu(id) };
    const { elf } = await buildFirmware({ library: toy, board, outDir: join(folder, id), trace: true });
    expect(await checkArmv6M(elf)).toEqual([]);
  });

  it("finds much in a firmware for Cortex-M3, with symbol and address", async () => {
    const board = findBoard("mps2-an385");
    const { elf } = await buildFirmware({ library: toy, board, outDir: join(folder, "m3"), trace: false });
    const violations = await checkArmv6M(elf);
    expect(violations.length).toBeGreaterThan(10);
    expect(violations.map((v) => v.symbol)).toContain("toy_run");
  });

  it.each([
    "cbz r0, later",
    "cbnz r1, later",
    "it eq\n moveq r0, r1",
    "udiv r0, r0, r1",
    "sdiv r0, r0, r1",
    "movw r0, #1234",
    "movt r0, #1234",
    "b.w later",
    "ldr.w r0, [r1, #4]",
    "clz r0, r1",
    "rbit r0, r1",
    "umull r0, r1, r2, r3",
    "ubfx r0, r1, #2, #3",
    "tbb [r0, r1]",
    "ldrd r0, r1, [r2]",
    "ldmdb r0!, {r1, r2}",
    "mov.w r0, r1",
    "add.w r0, r1, r2",
    "rsb r0, r1, #5",
    "ldrex r0, [r1]",
    "pld [r0]",
  ])("finds %s", async (instruction) => {
    const object = await assemble("bad", "cortex-m3", `${instruction}\nnop\nlater: bx lr`);
    const found = await checkArmv6M(object);
    expect(found[0]).toMatchObject({ symbol: "bad", address: 0 });
  });

  it("finds instructions that the disassembler does not know", async () => {
    // 0xb100 is cbz; 0xde00 is udf, which Armv6-M has; 0xe800 with 0x0000 is no instruction of any core.
    const object = await assemble(
      "odd",
      "cortex-m3",
      ".inst.n 0xb100\n.inst.n 0xde00\n.inst.w 0xe8000000\nbx lr",
    );
    expect((await checkArmv6M(object)).map((v) => v.address)).toEqual([0, 4]);
  });

  it("accepts what the architecture has, and data among it", async () => {
    const body = [
      ...[
        "adcs r0, r1",
        "adds r0, #255",
        "adr r0, pool",
        "asrs r1, r2, #3",
        "bics r0, r1",
        "bkpt 0xab",
        "blx r3",
      ],
      ...["cmn r0, r1", "cpsid i", "cpsie i", "eors r0, r1", "ldmia r0!, {r1, r2}", "ldrsb r0, [r1, r2]"],
      ...[
        "ldr r0, [sp, #4]",
        "muls r0, r1, r0",
        "mvns r0, r1",
        "rsbs r0, r1, #0",
        "push {r4, lr}",
        "pop {r4, pc}",
      ],
      ...[
        "rev r0, r1",
        "rev16 r0, r1",
        "revsh r0, r1",
        "rors r0, r1",
        "sbcs r0, r1",
        "sev",
        "stmia r0!, {r1}",
      ],
      ...[
        "svc 1",
        "sxtb r0, r1",
        "uxth r0, r1",
        "tst r0, r1",
        "wfe",
        "wfi",
        "yield",
        "udf 1",
        "mov r8, r9",
        "add sp, #8",
      ],
      ...[
        "bl good",
        "mrs r0, primask",
        "msr primask, r0",
        "dmb",
        "dsb",
        "isb",
        "beq good",
        "bls good",
        "b good",
      ],
      ...[".align 2", "pool: .word 0xb100b100, 0xfbb0f0f1", ".short 0xb100"],
    ].join("\n");
    expect(await checkArmv6M(await assemble("good", "cortex-m0", body))).toEqual([]);
  });
});

describe("what cannot be disassembled", () => {
  it("is an error", async () => {
    await expect(checkArmv6M("/does/not/exist.elf")).rejects.toMatchObject({ exitCode: expect.any(Number) });
  });
});
