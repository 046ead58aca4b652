/**
 * Writes the tables of docs/FORMATS.md from the importers' registries and the versions that fixtures were made with:
 * everything between `<!-- table: name -->` and `<!-- end -->`. Run as `npm run docs`; a test compares.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageFile } from "../src/assets/package-files.js";
import { kerasQuantizers } from "../src/formats/keras/registry.js";
import { type SupportedOp, supportedOps } from "../src/formats/support.js";

const tables: Readonly<Record<string, () => string>> = {
  "operators of ONNX and QONNX": () => opsTable("operator", ["ONNX", "QONNX"]),
  "operators of TFLite": () => opsTable("operator", ["TFLite", "LCE"]),
  "layers of Keras": () => opsTable("layer", ["Larq", "QKeras", "Keras"]),
  "quantizers of Keras": () =>
    table(
      ["quantizer or activation", "of"],
      kerasQuantizers.map(({ name, of }) => [`\`${name}\``, of]),
    ),
  frameworks: () => table(["fixtures", "written and computed by"], frameworks()),
};

function opsTable(what: string, formats: readonly SupportedOp["format"][]): string {
  const ops = supportedOps.filter((entry) => formats.includes(entry.format));
  return table(
    [what, "of", "supported"],
    ops.map(({ op, format, notes }) => [op, format, notes]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n").replaceAll("| ---", "|---").replaceAll("--- |", "---|");
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

/** The document with its tables as they should be. */
export function withTables(text: string): string {
  return text.replace(/<!-- table: (.+) -->\n[\s\S]*?<!-- end -->/g, (block, name: string) => {
    const make = Object.hasOwn(tables, name) ? tables[name] : undefined;
    if (make === undefined) throw new Error(`no table is called "${name}": ${block.slice(0, 80)}`);
    return `<!-- table: ${name} -->\n${make()}\n<!-- end -->`;
  });
}

/** Names of the tables that a document should have. */
export const tableNames: readonly string[] = Object.keys(tables);

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const path = packageFile("docs/FORMATS.md");
  writeFileSync(path, withTables(readFileSync(path, "utf8")));
}
