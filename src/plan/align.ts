import type { Cpu } from "../targets/index.js";
import { ARENA_ALIGN } from "./types.js";

/** Kernels load and store words, pairs and lists of words, and vectors of them: all of these may begin at any word. */
const WORD = 4;

/**
 * Alignment of tensors and working memory in the arena. Cores that fetch 64 bits at a time take longer over pairs and
 * vectors of words that begin at an odd word; the others do not, and are given no bytes to skip.
 */
export function bufferAlign(cpu: Cpu): number {
  const fetchesPairs = cpu.hasMve || cpu.id === "cortex-m7";
  return fetchesPairs ? ARENA_ALIGN : WORD;
}
