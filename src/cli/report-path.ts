/** Where a report goes: checked before anything is compiled. */
import { statSync } from "node:fs";
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";

/**
 * The path of `--report`. Throws `cli/report` where its name is not one of a page, so that no model or source is replaced by
 * mistake, and `file/…` where a folder or something else that is no file has the name.
 */
export function checkedReportPath(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  if (!/\.html?$/i.test(path)) {
    throw fail("cli/report", `--report writes a page, and "${printable(path, 60)}" is not the name of one`, {
      remedy: "use a name that ends in .html, e.g. --report report.html",
    });
  }
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isFile()) return path;
  if (found.isDirectory()) throw fail("file/eisdir", "is a folder, not a file", { where: path });
  throw fail("file/eexist", "exists already as something else", { where: path });
}
