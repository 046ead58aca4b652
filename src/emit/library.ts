/**
 * The generated library: file names and contents from a plan. Pure: the same plan gives the same bytes.
 */
import { readFileSync } from "node:fs";
import { packageFile } from "../assets/package-files.js";
import { render } from "../assets/templates.js";
import type { Plan } from "../plan/index.js";
import { arrayText, asWords } from "./c-data.js";
import { type LibraryView, libraryView } from "./view.js";

/** One input with the reference's output, both as the bytes of the caller's buffers. */
export interface KnownAnswer {
  readonly input: Uint8Array;
  readonly output: Uint8Array;
}

export interface LibraryOptions {
  /** Prefix of every public symbol; already checked. */
  readonly name: string;
  readonly version: string;
  /** Compiler flags of the target core, for the Makefile's example. */
  readonly arch: string;
  /** Without any, the self-test checks constants only. */
  readonly knownAnswers: readonly KnownAnswer[];
}

export interface LibraryFile {
  /** File name without folder. */
  readonly path: string;
  readonly text: string;
}

export interface Library {
  readonly name: string;
  readonly files: readonly LibraryFile[];
  /** Names of the C and assembly sources among the files; the self-test is the last. */
  readonly sources: readonly string[];
  /** CRC-32 of weights and thresholds: `NAME_MODEL_CRC`. */
  readonly modelCrc: number;
  readonly facts: LibraryFacts;
}

/** What packages say of a library. */
export interface LibraryFacts
  extends Pick<LibraryView, "version" | "arenaBytes" | "arenas" | "weightBytes" | "input" | "output"> {
  /** The model's own name, as its file has it: untrusted. */
  readonly model: string;
  /** Compiler flags of the target core. */
  readonly arch: string;
  /** Whether the self-test has known answers beside its checksums. */
  readonly hasAnswers: boolean;
}

export function emitLibrary(plan: Plan, options: LibraryOptions): Library {
  const { name } = options;
  const view = libraryView(plan, name, options.version);
  const runtime = view.runtimeFiles.map((file) => ({
    path: file,
    text: readFileSync(packageFile(`runtime-c/${file}`), "utf8"),
  }));
  const generated: LibraryFile[] = [
    { path: `${name}.h`, text: render("library/model.h", view) },
    { path: `${name}.c`, text: render("library/model.c", view) },
    { path: `${name}_weights.h`, text: render("library/weights.h", view) },
    { path: `${name}_weights.c`, text: render("library/weights.c", view) },
    {
      path: `${name}_selftest.c`,
      text: render("library/selftest.c", selftestView(view, options.knownAnswers)),
    },
  ];
  const sources = [
    `${name}.c`,
    `${name}_weights.c`,
    ...view.runtimeFiles.filter((f) => !f.endsWith(".h")),
    `${name}_selftest.c`,
  ];
  const makefile = render("library/Makefile", {
    ...view,
    arch: options.arch,
    objects: sources.map((s) => s.replace(/\.[cS]$/, ".o")),
  });
  const sections = { path: `${name}_sections.ld`, text: render("library/sections.ld", view) };
  const files = [...generated, ...runtime, sections, { path: "Makefile", text: makefile }];
  const { version, arenaBytes, arenas, weightBytes, input, output } = view;
  const facts = {
    model: plan.program.name,
    version,
    arenaBytes,
    arenas,
    weightBytes,
    input,
    output,
    arch: options.arch,
    hasAnswers: options.knownAnswers.length > 0,
  };
  return { name, files, sources, modelCrc: view.modelCrcValue, facts };
}

function selftestView(view: LibraryView, answers: readonly KnownAnswer[]): object {
  const text = (bytes: Uint8Array): string => arrayText("uint32_t", asWords(bytes), "        ");
  return {
    ...view,
    constants: view.constants.filter((c) => !c.traceOnly),
    answers: answers.map(({ input, output }) => ({ inputText: text(input), outputText: text(output) })),
    ...(answers.length === 0
      ? {}
      : {
          inputWords: asWords(answers[0]!.input).length,
          outputWords: asWords(answers[0]!.output).length,
        }),
  };
}
