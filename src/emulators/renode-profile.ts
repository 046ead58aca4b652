/**
 * Counting calls of functions in Renode: hooks where a function begins and where it returns to print the number of
 * instructions executed so far. Renode counts exactly, and a hook runs before the instruction at its address.
 */

import { returnAddresses } from "../toolchain/call-sites.js";
import type { Elf } from "../toolchain/elf.js";
import { addressOf } from "./profiled-function.js";
import { BEGUN_ESCAPE, ESCAPES } from "./renode-monitor.js";
import type { FunctionCall } from "./types.js";

/** Commands of the Monitor that set the hooks. */
export function profileHooks(elf: Elf, functions: readonly string[]): string[] {
  return functions.flatMap((name, index) => {
    const start = addressOf(elf, name);
    const ends = returnAddresses(elf, start);
    return [hook(start, "begin", index), ...ends.map((end) => hook(end, "end", index))];
  });
}

/** In two halves, so that the echo of the command is not taken for its effect. */
function hook(address: number, what: "begin" | "end", index: number): string {
  const text = `'bitloom' + '-profile ${what} ${index} ' + str(self.ExecutedInstructions) + ';'`;
  return `sysbus.cpu AddHook 0x${address.toString(16).padStart(8, "0")} "print(${text})"`;
}

/** Gathers what the hooks print, from pieces of the Monitor's output. */
export class HookReader {
  readonly calls: FunctionCall[] = [];
  readonly #functions: readonly string[];
  /** Counts at the beginning of calls that have not returned. */
  readonly #open = new Map<number, number>();
  #rest = "";
  /** An escape sequence that has not ended. */
  #begun = "";

  constructor(functions: readonly string[]) {
    this.#functions = functions;
  }

  add(text: string): void {
    const all = this.#begun + text;
    this.#begun = BEGUN_ESCAPE.exec(all)?.[0] ?? "";
    this.#rest += all.slice(0, all.length - this.#begun.length).replace(ESCAPES, "");
    const pattern = /bitloom-profile (begin|end) (\d+) (\d+);/g;
    let end = 0;
    for (const match of this.#rest.matchAll(pattern)) {
      this.#event(match[1]!, Number(match[2]), Number(match[3]));
      end = match.index + match[0].length;
    }
    // A piece of a line may still become one; what is longer than any cannot.
    this.#rest = this.#rest.slice(end).slice(-200);
  }

  #event(what: string, index: number, executed: number): void {
    const begun = this.#open.get(index);
    if (what === "begin") this.#open.set(index, executed);
    // The code after a call may be reached without the call.
    else if (begun !== undefined) {
      this.#open.delete(index);
      this.calls.push({ function: this.#functions[index]!, instructions: executed - begun });
    }
  }
}
