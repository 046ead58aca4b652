import { readFileSync } from "node:fs";
import { packageFile } from "../../assets/package-files.js";
import { hex } from "../c-data.js";
import type { Library } from "../library.js";
import { markdownText, oneLine } from "./escape.js";
import { sourceTree } from "./tree.js";
import type { Identity, PackageFile } from "./types.js";

export type PackageView = ReturnType<typeof packageView>;

/** What the templates of all packages show. Text of the model's file is in `description`, which is not
 * escaped, and `markdown`, which is. */
export function packageView(library: Library, identity: Identity) {
  const { name, facts } = library;
  const model = oneLine(facts.model);
  const rest = `a neural network as exact C: ${facts.arenaBytes} bytes of RAM, ${facts.weightBytes} bytes of weights in flash`;
  return {
    ...facts,
    name,
    NAME: name.toUpperCase(),
    bitloomVersion: facts.version,
    packageVersion: identity.version,
    vendor: identity.vendor,
    url: identity.url,
    crc: hex(library.modelCrc),
    outputFormat: printFormat(facts.output.type),
    description: `${model}, ${rest}`,
    markdown: `The model ${markdownText(model)}, ${rest}`,
    tree: sourceTree(library),
  };
}

/** How C's printf prints an element of the output. */
function printFormat(type: string): { specifier: string; cast: string; isFloat: boolean } {
  if (type === "float") return { specifier: "%f", cast: "double", isFloat: true };
  const [specifier, cast] = type.startsWith("u") ? ["%lu", "unsigned long"] : ["%ld", "long"];
  return { specifier, cast, isFloat: false };
}

/** The licence of the runtime, under the name that registries look for. */
export function licenceFile(): PackageFile {
  return { path: "LICENSE", content: readFileSync(packageFile("LICENSE"), "utf8") };
}
