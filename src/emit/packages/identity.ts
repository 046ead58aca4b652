import { fail } from "../../diagnostics/diagnostic.js";
import { printable } from "../../diagnostics/text.js";
import type { Identity } from "./types.js";

/** Fits every registry: PlatformIO and CMSIS-Pack take more, CMake's `project()` takes numbers only. */
const VERSION = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;
const VENDOR = /^[A-Za-z][A-Za-z0-9_-]{0,31}$/;
/** Characters that stand for themselves in XML, JSON, properties and Markdown. */
const URL_TEXT = /^https?:\/\/[A-Za-z0-9][A-Za-z0-9./_~%+-]{0,200}$/;

/** Checks what the user calls the package. Throws `package/…` (exit 2). */
export function checkedIdentity(given: Partial<Identity>): Identity {
  const { version = "1.0.0", vendor = "bitloom", url = "" } = given;
  check("version", version, VERSION, "write three numbers, e.g. --package-version 1.2.0");
  check("vendor", vendor, VENDOR, "use letters, digits, _ and -, at most 32, e.g. --package-vendor acme");
  if (url !== "")
    check("url", url, URL_TEXT, "write a plain address, e.g. --package-url https://example.com/net");
  return { version, vendor, url };
}

function check(what: string, text: string, pattern: RegExp, remedy: string): void {
  if (pattern.test(text)) return;
  throw fail(`package/${what}`, `"${printable(text, 60)}" cannot be a package's ${what}`, { remedy });
}
