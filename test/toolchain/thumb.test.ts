import { describe, expect, it } from "vitest";
import { Code, parseDisassembly } from "../../src/toolchain/disassembly.js";
import { stackDepth } from "../../src/toolchain/stack-depth.js";
import { effectOf } from "../../src/toolchain/thumb.js";

/** Code as objdump prints it, two bytes each from address 0 on. */
function code(...lines: string[]) {
  const listing = lines.map(
    (line, i) => `  ${(2 * i).toString(16)}:\tbf00      \t${line.replace(" ", "\t")}`,
  );
  return parseDisassembly(["00000000 <f>:", ...listing].join("\n"));
}

describe("the stack pointer", () => {
  it.each([
    ["push {r4, r5, lr}", 12],
    ["stmdb sp!, {r4, r5, r6, r7, r8, r9, sl, fp, lr}", 36],
    ["pop {r3, r4}", -8],
    ["ldmia.w sp!, {r4, pc}", -8],
    ["vpush {d8-d15}", 64],
    ["vpush {s16}", 4],
    ["vpop {d8, d9}", -16],
    ["sub sp, #44 @ 0x2c", 44],
    ["sub.w sp, sp, #1024 @ 0x400", 1024],
    ["subw sp, sp, #1028", 1028],
    ["add sp, #20", -20],
    ["str.w lr, [sp, #-8]!", 8],
    ["strd r8, r9, [sp, #-8]!", 8],
    ["ldr.w pc, [sp], #4", -4],
    ["vstrw.32 q4, [sp, #-16]!", 16],
    ["str r0, [sp, #4]", 0],
    ["add r0, sp, #4", 0],
    ["ldmia.w sp, {r1, r2}", 0],
    ["cmp sp, r3", 0],
    ["mov sp, r7", undefined],
    ["add sp, r3", undefined],
    ["sub.w sp, sp, r2", undefined],
  ])("%s moves it down by %s", (text, down) => {
    expect(effectOf(code(text)[0]!).down).toBe(down);
  });
});

describe("following", () => {
  const follow = (...lines: string[]) =>
    stackDepth(new Code(code(...lines)), {
      start: 0,
      size: 0,
      isKnown: () => false,
      isFunction: (at) => at >= 0x100,
    });

  it("finds the depth at each call, and that a jump at the end comes without a frame", () => {
    const found = follow(
      ...["push {r4, lr}", "bl 100 <g>", "sub sp, #8", "bl 200 <h>", "add sp, #8"],
      ...["ldmia.w sp!, {r4, lr}", "b.n 10 <f+0x10>", ".word 0x0", "bx lr"],
    );
    expect(found).toEqual({
      deepest: 16,
      calls: [
        { to: 0x100, depth: 8 },
        { to: 0x200, depth: 16 },
      ],
      indirect: [],
    });
  });

  it("takes both ways where an instruction is conditional", () => {
    expect(follow("push {lr}", "it eq", "popeq {pc}", "push {r0, r1}", "pop {r1, r2, pc}")).toMatchObject({
      deepest: 12,
    });
    expect(follow("push {lr}", "cbz r0, 8 <f+0x8>", "push {r0}", "pop {r0}", "pop {pc}").obstacle).toBe(
      undefined,
    );
  });

  it.each([
    ["a loop that pushes", ["push {r0}", "bne.n 0 <f>", "bx lr"], /grows in a loop/],
    ["a return in the middle of the frame", ["push {r0, lr}", "pop {pc}"], /another stack pointer.* at 0x2/],
    ["a jump to what a register holds", ["push {lr}", "bx r3"], /computed address at 0x2/],
    ["a stack pointer from a register", ["mov sp, r3", "bx lr"], /computed value at 0x0/],
    ["constants that are run into", ["nop", ".word 0x0"], /no code at 0x2/],
    ["the end of the code", ["nop"], /no code at 0x2/],
  ])("stops at %s", (_, lines, obstacle) => {
    expect(follow(...lines).obstacle).toMatch(obstacle);
  });

  it("knows the return of Armv6-M, and calls of what a register holds", () => {
    expect(follow("push {r4, lr}", "blx r3", "pop {r4}", "pop {r1}", "bx r1")).toEqual({
      deepest: 8,
      calls: [],
      indirect: [2],
    });
  });
});
