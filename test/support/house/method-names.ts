/** Finds names of published methods in code: in identifiers and strings, not in comments, which name sources. */
import { methods } from "../../methods/methods.js";

/** Names that the list of systems spells otherwise, and frameworks that methods come from. */
const ALIASES = ["bireal", "bnns", "darknet", "dorefa", "larq", "lqnet", "meliusnets", "rebnets", "yolo"];

/** Names of methods as letters and digits only: "XNOR-Net" is "xnornet". */
export function methodNames(): ReadonlySet<string> {
  const names = methods
    .flatMap(({ systems }) => systems)
    // What stands behind a comma or in brackets tells systems of one name apart.
    .map(({ name }) => wordsOf(name.replace(/,.*|\(.*/s, "")).join(""));
  return new Set([...names, ...ALIASES]);
}

interface Found {
  readonly line: number;
  readonly name: string;
}

/** Where code has one of the names: whole words of an identifier or a string, e.g. `isXnorNet`, `"dorefa-net"`. */
export function namesIn(code: string, names: ReadonlySet<string>): Found[] {
  return withoutComments(code)
    .split("\n")
    .flatMap((text, i) =>
      // Words that a space, a dot or a bracket separates are of several identifiers, but of one string.
      (text.match(/[\w\- ]+/g) ?? []).flatMap((run) =>
        runsOf(wordsOf(run))
          .filter((joined) => names.has(joined))
          .map((name) => ({ line: i + 1, name })),
      ),
    );
}

/** Words of at most this many parts are looked for: a name is not longer. */
const LONGEST = 8;

/** Every sequence of words that follow each other, joined. */
function runsOf(words: readonly string[]): string[] {
  return words.flatMap((_, from) =>
    Array.from({ length: Math.min(LONGEST, words.length - from) }, (_, n) =>
      words.slice(from, from + n + 1).join(""),
    ),
  );
}

/** Lower-case words of a text: camel case, snake case and hyphens separate. */
function wordsOf(text: string): string[] {
  return text
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** Comments of C, TypeScript and handlebars as blanks, line by line; strings stay. */
export function withoutComments(code: string): string {
  const tokens =
    /\{\{!--[\s\S]*?--\}\}|\{\{![^}]*\}\}|\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
  return code.replace(tokens, (token) => (/^["'`]/.test(token) ? token : token.replace(/[^\n]/g, " ")));
}
