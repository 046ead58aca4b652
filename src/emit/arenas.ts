/** The working memory as C has it: one arena, or several banks. */
import { type MemoryPlan, type Place, type Plan, peakStep } from "../plan/index.js";

/** One array that the caller provides. */
export interface ArenaView {
  /** `arena`, or `arena0` and so on: a parameter, a field of the context, and in upper case part of macros. */
  readonly variable: string;
  readonly VARIABLE: string;
  readonly bytes: number;
  /** Bytes in a trace build, whose own tensors lie behind the last. */
  readonly traceBytes: number;
  /** The layer that needs the most of it; false where none needs any. */
  readonly peak: { readonly symbol: string; readonly text: string } | false;
  /** Whether the layers use it at all. */
  readonly isUsed: boolean;
}

/** The arrays of a plan. `layers` are the views of all its steps. */
export function arenasOf(
  { memory, traceBytes }: Plan,
  layers: readonly { readonly label: string; readonly layerSymbol: string }[],
): ArenaView[] {
  const banks = memory.banks ?? [memory.arenaBytes];
  return banks.map((bytes, bank) => {
    const start = bankStart(banks, bank);
    const own = memory.buffers.filter((b) => b.offset >= start && b.offset < start + bytes);
    const step = peakStep(own);
    const variable = memory.banks === undefined ? "arena" : `arena${bank}`;
    const isLast = bank === banks.length - 1;
    return {
      variable,
      VARIABLE: variable.toUpperCase(),
      bytes,
      traceBytes: bytes + (isLast ? traceBytes : 0),
      peak: step !== undefined && {
        symbol: layers[step]!.layerSymbol,
        text: `layer ${step} (${layers[step]!.label})`,
      },
      isUsed: own.length > 0,
    };
  });
}

/** A place as C: the caller's input or output, or bytes of an arena. Behind the last bank are a trace build's. */
export function placeText({ banks }: MemoryPlan, place: Place): string {
  if (place.kind !== "arena") return place.kind;
  if (banks === undefined) return `arena + ${place.offset}U`;
  const later = banks.findIndex((_, bank) => place.offset < bankStart(banks, bank));
  const bank = (later < 0 ? banks.length : later) - 1;
  return `arena${bank} + ${place.offset - bankStart(banks, bank)}U`;
}

/** Offset in the plan at which a bank begins. */
function bankStart(banks: readonly number[], bank: number): number {
  return banks.slice(0, bank).reduce((a, b) => a + b, 0);
}
