/** A command as a person would type it: for showing only, nothing is ever run through a shell. */
import { printable } from "../diagnostics/text.js";
import type { FlashStep } from "./types.js";

const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** `program 'an argument' --option`, on one line, for a POSIX shell. */
export function commandText({ program, args }: FlashStep): string {
  return [program, ...args].map(quote).join(" ");
}

function quote(word: string): string {
  if (PLAIN.test(word)) return word;
  const plain = /[^\x20-\x7e]/.test(word) ? printable(word, 4096) : word;
  return `'${plain.replaceAll("'", "'\\''")}'`;
}
