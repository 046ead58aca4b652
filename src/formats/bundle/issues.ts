/** What a schema finds wrong, as messages that name the place and say what is expected there. */
import type { z } from "zod";
import { printable } from "../../diagnostics/text.js";
import { listText } from "../common/rejection.js";
import type { Guesser } from "./guesser.js";

export interface Problem {
  /** E.g. `layers[3].stride`. */
  readonly where: string;
  readonly message: string;
  readonly remedy: string;
}

/** So many problems of one layer are told; a list of numbers can have thousands. */
const MOST_PROBLEMS = 8;
const MOST_KEYS = 4;

/** Problems of a value at a place; `fields` are the names that one may have meant. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  place: readonly PropertyKey[],
  fields: readonly string[],
  guesser: Guesser,
): Problem[] {
  return issues.slice(0, MOST_PROBLEMS).flatMap((issue) => {
    const path = [...place, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.slice(0, MOST_KEYS).map((key) => ({
        where: placeText([...path, key]),
        message: `"${printable(key, 40)}" is not known here`,
        remedy: guesser.remedy(key, fields, "remove it: what is not known would be ignored"),
      }));
    }
    const found = valueAt(value, issue.path);
    return [
      {
        where: placeText(path),
        message: found === undefined ? "it is missing" : `it is ${valueText(found)}`,
        remedy: `expected: ${issue.message}`,
      },
    ];
  });
}

/** `layers[3].stride`; the whole manifest has no name. */
export function placeText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) =>
      typeof part === "number" ? `[${part}]` : `${i === 0 ? "" : "."}${printable(String(part), 40)}`,
    )
    .join("");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = new Map<PropertyKey, unknown>(Object.entries(at)).get(String(key));
  }
  return at;
}

/** A value in few words: numbers and short texts as they are. */
function valueText(value: unknown): string {
  if (typeof value === "string") return `"${printable(value, 40)}"`;
  if (Array.isArray(value)) {
    const isNumbers = value.slice(0, 10).every((n) => typeof n === "number");
    return isNumbers ? `[${listText(value)}]` : `a list of ${value.length}`;
  }
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
