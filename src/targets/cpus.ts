/** The Cortex-M cores that bitloom builds for. */
import { fail } from "../diagnostics/diagnostic.js";
import { didYouMean, printable } from "../diagnostics/text.js";

export interface Cpu {
  /** e.g. `cortex-m0plus`, as GCC spells it. */
  readonly id: string;
  /** e.g. `Cortex-M0+`. */
  readonly name: string;
  /** Instruction set architecture, e.g. `Armv6-M`. */
  readonly architecture:
    | "Armv6-M"
    | "Armv7-M"
    | "Armv7E-M"
    | "Armv8-M Baseline"
    | "Armv8-M Mainline"
    | "Armv8.1-M Mainline";
  /**
   * Flags for `arm-none-eabi-gcc`, for compiling and linking. Soft float everywhere: float code is then the same
   * IEEE arithmetic on each core, whatever FPU the chip's maker chose.
   */
  readonly gccFlags: readonly string[];
  /** Whether it has integer vectors of 128 bits (MVE, "Helium"), and its flags allow them. */
  readonly hasMve: boolean;
}

function cpu(id: string, name: string, architecture: Cpu["architecture"]): Cpu {
  return {
    id,
    name,
    architecture,
    gccFlags: [`-mcpu=${id}`, "-mthumb", "-mfloat-abi=soft"],
    hasMve: false,
  };
}

const all: readonly Cpu[] = [
  cpu("cortex-m0", "Cortex-M0", "Armv6-M"),
  cpu("cortex-m0plus", "Cortex-M0+", "Armv6-M"),
  cpu("cortex-m3", "Cortex-M3", "Armv7-M"),
  cpu("cortex-m4", "Cortex-M4", "Armv7E-M"),
  cpu("cortex-m7", "Cortex-M7", "Armv7E-M"),
  cpu("cortex-m23", "Cortex-M23", "Armv8-M Baseline"),
  cpu("cortex-m33", "Cortex-M33", "Armv8-M Mainline"),
  {
    ...cpu("cortex-m55", "Cortex-M55", "Armv8.1-M Mainline"),
    // Without an FPU MVE has integer vectors only. Its registers need the `softfp` interface, which passes floats as
    // `soft` does: what is compiled so links with the C library for soft float.
    gccFlags: ["-mcpu=cortex-m55+nofp", "-mthumb", "-mfloat-abi=softfp"],
    hasMve: true,
  },
];

/** Every core, smallest first. */
export function listCpus(): readonly Cpu[] {
  return all;
}

/** Cores that execute another's code, instruction for instruction: what GCC or QEMU as tested here do not know by name. */
const akin: Readonly<Record<string, string>> = {
  "cortex-m1": "cortex-m0",
  "cortex-m35p": "cortex-m33",
  "cortex-m52": "cortex-m55",
  "cortex-m85": "cortex-m55",
};

/** The core with this id. Throws `targets/unknown-cpu` (exit 2) with the one to use instead. */
export function findCpu(id: string): Cpu {
  const found = all.find((c) => c.id === id);
  if (found !== undefined) return found;
  throw fail("targets/unknown-cpu", `there is no core "${printable(id)}"`, { remedy: cpuRemedy(id) });
}

/** What to write instead of an id that is no core's. */
export function cpuRemedy(id: string): string {
  const like = Object.hasOwn(akin, id) ? akin[id] : undefined;
  if (like !== undefined)
    return `use ${like}: its code runs there (bitloom is tested with GCC 12 and QEMU 7.2)`;
  const ids = all.map((c) => c.id);
  const close = didYouMean(id, ids);
  return close === undefined ? `use one of ${ids.join(", ")}` : `did you mean ${close}?`;
}

/** True for the cores whose instruction set is Armv6-M. */
export function isArmv6M(cpu: Cpu): boolean {
  return cpu.architecture === "Armv6-M";
}
