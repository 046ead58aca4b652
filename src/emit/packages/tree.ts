/** How the library's flat files are laid out in folders. */
import type { Library, LibraryFile } from "../library.js";
import type { PackageFile } from "./types.js";

export interface SourceTree {
  /** Headers that an application includes, directly or through others; names without folder. */
  readonly publicHeaders: readonly string[];
  readonly privateHeaders: readonly string[];
  /** C and assembly sources without the self-test. */
  readonly sources: readonly string[];
  readonly selftest: string;
  readonly hasAssembly: boolean;
  /** All of them, public headers in `include/` and the rest in `src/`. */
  readonly files: readonly PackageFile[];
  /** All of them in `src/`. */
  readonly flatFiles: readonly PackageFile[];
}

export function sourceTree(library: Library): SourceTree {
  const { name, files, sources } = library;
  const code = files.filter(({ path }) => /\.(?:[chS]|ld)$/.test(path));
  const isPublic = publicHeaders(name, code);
  const headers = code.map(({ path }) => path).filter((path) => path.endsWith(".h"));
  const selftest = `${name}_selftest.c`;
  return {
    publicHeaders: headers.filter((h) => isPublic.has(h)),
    privateHeaders: headers.filter((h) => !isPublic.has(h)),
    sources: sources.filter((s) => s !== selftest),
    selftest,
    hasAssembly: sources.some((s) => s.endsWith(".S")),
    files: code.map(({ path, text }) => ({
      path: `${isPublic.has(path) ? "include" : "src"}/${path}`,
      content: text,
    })),
    flatFiles: code.map(({ path, text }) => ({ path: `src/${path}`, content: text })),
  };
}

/** The library's own header and everything that it includes. */
function publicHeaders(name: string, files: readonly LibraryFile[]): ReadonlySet<string> {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const found = new Set([`${name}.h`]);
  // A set grows while it is walked: what an added header includes is added too.
  for (const header of found)
    for (const [, included] of (texts.get(header) ?? "").matchAll(/^#include "(\w+\.h)"/gm))
      if (texts.has(included!)) found.add(included!);
  return found;
}
