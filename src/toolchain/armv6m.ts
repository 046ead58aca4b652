/**
 * Checks a linked image against the Armv6-M instruction set. Emulators do not: QEMU runs CBZ and IT on a Cortex-M0, and Renode
 * nearly everything. The disassembly is the authority.
 */

import { disassemble, type Instruction } from "./disassembly.js";

export interface Armv6MViolation {
  /** Function that holds it. */
  readonly symbol: string;
  readonly address: number;
  /** As disassembled, e.g. `cbz r0, 8124`. */
  readonly instruction: string;
}

/** 16-bit instructions of the Armv6-M Architecture Reference Manual (ARM DDI 0419), as objdump names them. */
const narrow = new Set(
  (
    "adcs add adds adr ands asrs b bics bkpt blx bx cmn cmp cpsid cpsie eors ldmia ldr ldrb ldrh ldrsb ldrsh lsls " +
    "lsrs mov movs muls mvns negs nop orrs pop push rev rev16 revsh rors rsbs sbcs sev stmia str strb strh sub subs svc " +
    "sxtb sxth tst udf uxtb uxth wfe wfi yield"
  ).split(" "),
);
const conditions = "eq ne cs cc mi pl vs vc hi ls ge lt gt le".split(" ");
for (const condition of conditions) narrow.add(`b${condition}`);

/** The only 32-bit instructions. */
const wide = new Set(["bl", "dmb", "dsb", "isb", "mrs", "msr", "udf"]);

/** Disassembles an image; the answer is empty when every instruction is Armv6-M. Throws with exit 3 without objdump. */
export async function checkArmv6M(elf: string): Promise<Armv6MViolation[]> {
  return findViolations(await disassemble(elf));
}

/** The violations among instructions. Data in code (mapping symbol $d) is not looked at. */
export function findViolations(code: readonly Instruction[]): Armv6MViolation[] {
  return code
    .filter((instruction) => !isAllowed(instruction))
    .map(({ symbol, address, mnemonic, operands }) => ({
      symbol,
      address,
      instruction: `${mnemonic} ${operands}`.trim(),
    }));
}

function isAllowed({ bytes, mnemonic, operands }: Instruction): boolean {
  // `.word`, `.short`, `.byte`: literal pools. An instruction that objdump does not know is `@ <UNDEFINED>`.
  if (mnemonic.startsWith(".")) return !operands.includes("<UNDEFINED>");
  return bytes === 4
    ? wide.has(mnemonic.replace(/\.w$/, ""))
    : bytes === 2 && narrow.has(mnemonic.replace(/\.n$/, ""));
}
