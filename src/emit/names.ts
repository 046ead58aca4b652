import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";

/** Keywords of C99, C11 and C++ that a prefix must not be, and names that the runtime takes. */
const RESERVED = new Set(
  (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register " +
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while " +
    "asm bool catch class delete explicit export false friend mutable namespace new operator private protected public " +
    "template this throw true try typename using virtual wchar_t xor and or not main bitloom"
  ).split(" "),
);

const LONGEST = 48;

/**
 * Endings by which a second library would have files or macros of the first: `net_weights.h` is a file of `net`, and
 * `NET_LAYER_ARENA_SIZE` its index of a layer that is called so.
 */
const RESERVED_ENDING = /_(weights|selftest|layer|stack)$/;

/** Checks a name that the user gave for the generated library: it becomes C identifiers and file names. */
export function checkedName(name: string): string {
  const problem = problemOf(name);
  if (problem === undefined) return name;
  throw fail("emit/name", `the name "${printable(name, 60)}" ${problem}`, {
    remedy: `use letters a-z, digits and underscores, starting with a letter, at most ${LONGEST} characters, e.g. --name ${nameFrom(name)}`,
  });
}

function problemOf(name: string): string | undefined {
  if (isTaken(name)) return "is a reserved word";
  if (!/^[a-z][a-z0-9_]*$/.test(name) || name.length > LONGEST) return "is not a lower-case C identifier";
  const [ending] = RESERVED_ENDING.exec(name) ?? [];
  return ending && `ends like names inside another library (${ending})`;
}

/** A usable library name made from any text, e.g. a file name: `TFC_1W1A.onnx` gives `tfc_1w1a`. */
export function nameFrom(text: string): string {
  const base = text
    .split(/[\\/]/)
    .at(-1)!
    .replace(/(\.[A-Za-z0-9]{1,8}){1,2}$/, "");
  const cleaned = base
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, LONGEST - 6);
  const short = withoutReservedEndings(cleaned);
  const started = /^[a-z]/.test(short) ? short : `model_${short}`.replace(/_$/, "");
  return isTaken(started) ? `model_${started}` : started;
}

/** `best_weights` gives `best`, a word alone stays. */
function withoutReservedEndings(name: string): string {
  const short = name.replace(RESERVED_ENDING, "").replace(/_+$/, "");
  return short === name ? name : withoutReservedEndings(short);
}

/**
 * Endings of `NAME_LAYER_…`, one for each layer's name, all different: upper case, what is no letter or digit as
 * one underscore. Names that are the same then get the layer's index.
 */
export function layerIdentifiers(names: readonly string[]): string[] {
  const taken = new Set(["COUNT"]);
  return names.map((name, index) => {
    const words = name
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, "_")
      .slice(0, LONGEST)
      .replace(/^_+|_+$/g, "");
    let identifier = words === "" ? `AT_${index}` : words;
    while (taken.has(identifier)) identifier += `_${index}`;
    taken.add(identifier);
    return identifier;
  });
}

/** Files and symbols of the runtime begin with `bitloom_`. */
function isTaken(name: string): boolean {
  return RESERVED.has(name) || name.startsWith("bitloom_");
}

/** Untrusted text inside a C comment: nothing in it can end the comment or continue a line. */
export function commentText(text: string): string {
  return text.slice(0, 80).replace(/[^A-Za-z0-9_.,:()<>= +-]/g, "_");
}
