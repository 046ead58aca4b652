/**
 * Checks a linked image against the Armv6-M instruction set. Emulators do not: QEMU runs CBZ and IT on a Cortex-M0, and Renode
 * nearly everything. The disassembly is the authority.
 */

import { runTool } from "./compiler.js";
import { armBinutil } from "./tools.js";

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
  const listing = await runTool(armBinutil("objdump"), ["-d", "-z", elf], "toolchain/objdump", elf);
  return findViolations(listing);
}

/** The violations in a listing of `arm-none-eabi-objdump -d -z`. Data in code (mapping symbol $d) is not looked at. */
export function findViolations(listing: string): Armv6MViolation[] {
  const violations: Armv6MViolation[] = [];
  let symbol = "?";
  for (const line of listing.split("\n")) {
    const header = /^[0-9a-f]+ <(.+)>:$/.exec(line);
    if (header !== null) symbol = header[1]!;
    const code = /^\s*([0-9a-f]+):\t([0-9a-f ]+?)\s*\t(.+)$/.exec(line);
    if (code === null) continue;
    const [, address, bytes, text] = code as unknown as [string, string, string, string];
    if (!isAllowed(bytes, text)) {
      violations.push({ symbol, address: Number.parseInt(address, 16), instruction: instructionText(text) });
    }
  }
  return violations;
}

function isAllowed(bytes: string, text: string): boolean {
  const mnemonic = text.split(/\s/)[0]!.toLowerCase();
  // `.word`, `.short`, `.byte`: literal pools. An instruction that objdump does not know is `@ <UNDEFINED>`.
  if (mnemonic.startsWith(".")) return !text.includes("<UNDEFINED>");
  const parts = bytes.split(" ");
  if (parts.length === 2) return wide.has(mnemonic.replace(/\.w$/, ""));
  return parts.length === 1 && parts[0]!.length === 4 && narrow.has(mnemonic.replace(/\.n$/, ""));
}

function instructionText(text: string): string {
  return text
    .replace(/\s*@.*$/, "")
    .replace(/\s+/g, " ")
    .trim();
}
