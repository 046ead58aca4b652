/**
 * Names of models are untrusted text and end up in build files. `oneLine` leaves characters that print; one function per
 * language makes of it what stands for the same text there.
 */
import { printable } from "../../diagnostics/text.js";

/** One line of characters that print, of bounded length. */
export function oneLine(text: string): string {
  return printable(text, 80);
}

/** Between tags or in a quoted attribute of XML. */
export function xmlText(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&apos;",
  };
  return text.replace(/[&<>"']/g, (c) => entities[c]!);
}

/** Inside a quoted argument of CMake, where `$` begins a reference. */
export function cmakeText(text: string): string {
  return text.replace(/[\\"$]/g, "\\$&");
}

/** Within a line of Markdown: a backslash before every character that could mean something there. */
export function markdownText(text: string): string {
  return text.replace(/[\\`*_{}[\]<>#|!&~$:@]/g, "\\$&");
}
