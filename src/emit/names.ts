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

/** Checks a name that the user gave for the generated library: it becomes C identifiers and file names. */
export function checkedName(name: string): string {
  if (/^[a-z][a-z0-9_]*$/.test(name) && name.length <= LONGEST && !isTaken(name)) return name;
  const problem = isTaken(name) ? "is a reserved word" : "is not a lower-case C identifier";
  throw fail("emit/name", `the name "${printable(name, 60)}" ${problem}`, {
    remedy: `use letters a-z, digits and underscores, starting with a letter, at most ${LONGEST} characters, e.g. --name ${nameFrom(name)}`,
  });
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
  const started = /^[a-z]/.test(cleaned) ? cleaned : `model_${cleaned}`.replace(/_$/, "");
  return isTaken(started) ? `model_${started}` : started;
}

/** Files and symbols of the runtime begin with `bitloom_`. */
function isTaken(name: string): boolean {
  return RESERVED.has(name) || name.startsWith("bitloom_");
}

/** Untrusted text inside a C comment: nothing in it can end the comment or continue a line. */
export function commentText(text: string): string {
  return text.slice(0, 80).replace(/[^A-Za-z0-9_.,:()<>= +-]/g, "_");
}
