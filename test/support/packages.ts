/** Packages in tests: written into folders, with names that do harm where they are not escaped. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { emitLibrary, type Library, type PackageFile } from "../../src/emit/index.js";
import { mnistMlp } from "./models.js";

/** A name of a model that ends strings, attributes, lines and references in every language of a build file. */
export const HOSTILE = `x"); <a b='c'>&\${ENV{HOME}} $(HOME) \\ \`ls\` */ {{name}} |\n#]]\u202e--> \u0000`;

/** The library of examples/mnist-mlp, called `digits`, as a model of another name would have it. */
export function digitsLibrary(modelName?: string): Library {
  const { plan, library } = mnistMlp({ name: "digits" });
  if (modelName === undefined) return library;
  const renamed = { ...plan, program: { ...plan.program, name: modelName } };
  return emitLibrary(renamed, { name: "digits", version: "0.1.0", arch: "", knownAnswers: [] });
}

export function writePackage(folder: string, files: readonly PackageFile[]): string {
  for (const { path, content } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** The text of one file. */
export function textOf(files: readonly PackageFile[], path: string): string {
  const content = files.find((f) => f.path === path)?.content;
  if (typeof content !== "string") throw new Error(`there is no text file ${path}`);
  return content;
}
