/**
 * Writes the tables of documents: everything between `<!-- table: name -->` and `<!-- end -->`. Those of docs/FORMATS.md come
 * from the importers' registries and the versions that fixtures were made with. Run as `npm run docs`; a test compares.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageFile } from "../src/assets/package-files.js";
import { bundleLayers } from "../src/formats/bundle/registry.js";
import { kerasQuantizers } from "../src/formats/keras/registry.js";
import { type SupportedOp, supportedOps } from "../src/formats/support.js";
import { markdownTable } from "../src/report/markdown-table.js";
import { boardTables } from "./boards-doc.js";
import { methodTables } from "./methods-doc.js";

/** What makes each table of a document, by its name. */
export type Tables = Readonly<Record<string, () => string>>;

const formatTables: Tables = {
  "operators of ONNX and QONNX": () => opsTable("operator", ["ONNX", "QONNX"]),
  "operators of TFLite": () => opsTable("operator", ["TFLite", "LCE"]),
  "layers of Keras": () => opsTable("layer", ["Larq", "QKeras", "Keras"]),
  "quantizers of Keras": () =>
    markdownTable(
      ["quantizer or activation", "of"],
      kerasQuantizers.map(({ name, of }) => [`\`${name}\``, of]),
    ),
  "layers of bundles": () =>
    markdownTable(
      ["layer", "supported"],
      bundleLayers.map(({ type, notes }) => [`\`${type}\``, notes]),
    ),
  frameworks: () => markdownTable(["fixtures", "written and computed by"], frameworks()),
};

function opsTable(what: string, formats: readonly SupportedOp["format"][]): string {
  const ops = supportedOps.filter((entry) => formats.includes(entry.format));
  return markdownTable(
    [what, "of", "supported"],
    ops.map(({ op, format, notes }) => [op, format, notes]),
  );
}

type Versions = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** Each folder of fixtures, with the packages that its generator recorded. */
function frameworks(): string[][] {
  const root = packageFile("test/fixtures");
  return readdirSync(root)
    .sort()
    .flatMap((folder) => {
      const packages = recordedVersions(join(root, folder, "versions.json"));
      return packages === undefined ? [] : [[folder, packagesText(packages)]];
    });
}

function recordedVersions(path: string): Versions | undefined {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { packages: Versions }).packages;
  } catch {
    return undefined;
  }
}

/** Libraries that only hold arrays or write files are left out: they compute nothing. */
const HELPERS = ["numpy", "h5py", "onnxscript", "onnxoptimizer", "safetensors"];

function packagesText(packages: Versions): string {
  const groups = Object.values(packages).every((p) => typeof p === "object") ? packages : { all: packages };
  return Object.values(groups)
    .map((group) =>
      Object.entries(group)
        .filter(([name]) => !HELPERS.includes(name))
        .map(([name, version]) => `${name} ${String(version)}`)
        .join(", "),
    )
    .join("; ");
}

/** Every document with tables. */
export const documents: Readonly<Record<string, Tables>> = {
  "docs/FORMATS.md": formatTables,
  "docs/BOARDS.md": boardTables,
  "docs/METHODS.md": methodTables,
};

/** The document with its tables as they should be. */
export function withTables(text: string, tables: Tables): string {
  return text.replace(/<!-- table: (.+) -->\n[\s\S]*?<!-- end -->/g, (block, name: string) => {
    const make = Object.hasOwn(tables, name) ? tables[name] : undefined;
    if (make === undefined) throw new Error(`no table is called "${name}": ${block.slice(0, 80)}`);
    return `<!-- table: ${name} -->\n${make()}\n<!-- end -->`;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [document, tables] of Object.entries(documents)) {
    const path = packageFile(document);
    writeFileSync(path, withTables(readFileSync(path, "utf8"), tables));
  }
}
