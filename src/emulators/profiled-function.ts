/** Functions by the names that the C source uses. */
import { fail } from "../diagnostics/diagnostic.js";
import { type Elf, findSourceFunction, functionAddress } from "../toolchain/elf.js";

/** Throws `emulator/no-function` (exit 2) for a function that the image does not have. */
export function addressOf(elf: Elf, name: string): number {
  const symbol = findSourceFunction(elf, name);
  if (symbol !== undefined) return functionAddress(symbol);
  throw fail("emulator/no-function", `the image has no function ${name} to profile`);
}
