import { expect, it } from "vitest";
import { describeFault, type FaultRegisters } from "../../src/emulators/index.js";

const fault: FaultRegisters = {
  ...{ r0: 1, r1: 2, r2: 3, r3: 4, r12: 5, lr: 0x101, pc: 0x204, xpsr: 0x61000000, sp: 0x20001000 },
  exception: 3,
  stackLost: false,
  stackFull: false,
};
const elf = {
  entry: 0,
  machine: 40,
  loads: [],
  sections: [
    { name: "", type: 0, flags: 0, address: 0, size: 0, data: new Uint8Array(0), link: 0 },
    { name: ".text", type: 1, flags: 6, address: 0, size: 0x1000, data: new Uint8Array(0), link: 0 },
  ],
  symbols: [
    { name: "caller", value: 0x101, size: 16, kind: "function", section: 1 },
    { name: "callee", value: 0x201, size: 16, kind: "function", section: 1 },
  ],
} as const;

it("names functions", () => {
  expect(describeFault(fault, elf)).toBe(
    "HardFault at 0x00000204 <callee+0x4>, called from 0x00000101 <caller>; r0=0x00000001 r1=0x00000002 r2=0x00000003 " +
      "r3=0x00000004 r12=0x00000005 lr=0x00000101 sp=0x20001000 xpsr=0x61000000",
  );
  expect(describeFault(fault)).toContain("at 0x00000204, called from 0x00000101;");
});

it("explains the status registers", () => {
  const status = { cfsr: 0x8200, hfsr: 0x40000000, mmfar: 0, bfar: 0xdeadbee0 };
  expect(describeFault({ ...fault, exception: 5, status })).toMatch(
    /^BusFault \(precise bus error, address 0xdeadbee0\).*cfsr=0x00008200 hfsr=0x40000000$/,
  );
});

it("says when the stack is the problem", () => {
  expect(describeFault({ ...fault, stackLost: true })).toBe(
    "HardFault: the stack pointer 0x20001000 is outside RAM",
  );
  expect(describeFault({ ...fault, stackFull: true })).toBe("the stack overflowed");
});
