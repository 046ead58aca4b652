/** Functions by the names that the C source uses. */
import { fail } from "../diagnostics/diagnostic.js";
import { type Elf, type ElfSymbol, findFunction, functionAddress } from "../toolchain/elf.js";

/** Throws `emulator/no-function` (exit 2) for a function that the image does not have. */
export function addressOf(elf: Elf, name: string): number {
  const symbol = findFunction(elf, name) ?? findClone(elf, name);
  if (symbol !== undefined) return functionAddress(symbol);
  throw fail("emulator/no-function", `the image has no function ${name} to profile`);
}

/** GCC may compile a static function for the one set of arguments that it is called with, under a longer name. */
function findClone(elf: Elf, name: string): ElfSymbol | undefined {
  return elf.symbols.find(
    (s) => s.kind === "function" && s.section !== 0 && s.name.startsWith(`${name}.`) && isClone(s.name),
  );
}

function isClone(name: string): boolean {
  return /\.(constprop|isra)\.\d+$/.test(name);
}
