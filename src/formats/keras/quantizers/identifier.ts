/** Names of quantizers and activations in configs: by name, by call, or as a serialized object. */
import { printable } from "../../../diagnostics/text.js";
import { damaged, Rejection } from "../../common/rejection.js";
import { fieldsOf, Settings } from "../settings.js";

/** A quantizer or an activation by the name that is listed in docs/FORMATS.md, with its settings. */
export interface Identifier {
  readonly name: string;
  readonly settings: Settings;
}

const LONGEST_TEXT = 400;

/** Names of positional arguments in QKeras' calls, e.g. `quantized_bits(4,0,1)` (qkeras/quantizers.py). */
const signatures: ReadonlyMap<string, readonly string[]> = new Map([
  [
    "quantized_bits",
    [
      "bits",
      "integer",
      "symmetric",
      "keep_negative",
      "alpha",
      "use_stochastic_rounding",
      "scale_axis",
      "qnoise_factor",
    ],
  ],
  ["ternary", ["alpha", "threshold", "use_stochastic_rounding", "number_of_unrolls"]],
  ["stochastic_ternary", ["alpha", "threshold", "temperature", "use_real_sigmoid", "number_of_unrolls"]],
  ["binary", ["use_01", "alpha", "use_stochastic_rounding"]],
  ["stochastic_binary", ["alpha", "temperature", "use_real_sigmoid"]],
  [
    "quantized_relu",
    [
      "bits",
      "integer",
      "use_sigmoid",
      "negative_slope",
      "use_stochastic_rounding",
      "relu_upper_bound",
      "is_quantized_clip",
      "qnoise_factor",
    ],
  ],
  ["quantized_tanh", ["bits", "use_stochastic_rounding", "symmetric", "use_real_tanh"]],
  ["quantized_sigmoid", ["bits", "symmetric", "use_real_sigmoid", "use_stochastic_rounding"]],
  [
    "quantized_po2",
    [
      "bits",
      "max_value",
      "use_stochastic_rounding",
      "quadratic_approximation",
      "log2_rounding",
      "qnoise_factor",
    ],
  ],
  [
    "quantized_relu_po2",
    [
      "bits",
      "max_value",
      "negative_slope",
      "use_stochastic_rounding",
      "quadratic_approximation",
      "log2_rounding",
      "qnoise_factor",
    ],
  ],
]);

/** Larq's classes and their aliases. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["SteSign", "ste_sign"],
  ["ApproxSign", "approx_sign"],
  ["SwishSign", "swish_sign"],
  ["MagnitudeAwareSign", "magnitude_aware_sign"],
  ["SteTern", "ste_tern"],
  ["SteHeaviside", "ste_heaviside"],
  ["DoReFa", "dorefa_quantizer"],
  ["DoReFaQuantizer", "dorefa_quantizer"],
  ["dorefa", "dorefa_quantizer"],
  ["NoOp", "no_op"],
  ["NoOpQuantizer", "no_op"],
]);

/**
 * The identifier in a setting: text (`"ste_sign"`, `"ternary(threshold=0.4)"`) or a serialized object
 * (`{"class_name": …, "config": …}`). Undefined where there is none.
 */
export function identifierOf(value: unknown): Identifier | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return fromText(value);
  const fields = fieldsOf(value);
  const className = fields?.get("class_name");
  if (fields === undefined || typeof className !== "string")
    throw new Rejection("one of its quantizers or activations is not understood", damaged);
  const config = fields.get("config");
  // A serialized function has its name as its config.
  if (typeof config === "string") return named(config, new Map());
  return named(className, fieldsOf(config) ?? new Map());
}

/** A quantizer that stands in a model as a layer. */
export function quantizerLayer(className: string, settings: Settings): Identifier {
  return { name: plainName(className), settings };
}

function named(name: string, fields: ReadonlyMap<string, unknown>): Identifier {
  return { name: plainName(name), settings: new Settings(fields) };
}

/** Registered names carry their package: Larq>SteSign. */
function plainName(name: string): string {
  const plain = name.slice(name.lastIndexOf(">") + 1);
  return aliases.get(plain) ?? plain;
}

function fromText(text: string): Identifier {
  const match = text.length > LONGEST_TEXT ? null : /^([\w.>]+)\s*(?:\(([^()]*)\))?$/.exec(text.trim());
  if (match === null) throw notUnderstood(text);
  const [, name, list] = match as unknown as [string, string, string | undefined];
  if (list === undefined || list.trim() === "") return named(name, new Map());
  // Names that are not known are refused later, whatever is in their brackets.
  const positions = signatures.get(name) ?? Object.keys(list.split(","));
  const fields = new Map<string, unknown>();
  for (const [i, part] of list.split(",").entries()) {
    const at = part.indexOf("=");
    const key = at < 0 ? positions[i] : part.slice(0, at).trim();
    if (key === undefined || fields.has(key)) throw notUnderstood(text);
    fields.set(key, argument(part.slice(at + 1).trim(), text));
  }
  return named(name, fields);
}

function argument(word: string, text: string): unknown {
  if (word === "True" || word === "False") return word === "True";
  if (word === "None") return null;
  const quoted = /^(['"])(.*)\1$/.exec(word);
  if (quoted !== null) return quoted[2];
  const number = Number(word);
  if (word === "" || !Number.isFinite(number)) throw notUnderstood(text);
  return number;
}

function notUnderstood(text: string): Rejection {
  return new Rejection(
    `its quantizer or activation "${printable(text, 60)}" is not understood`,
    "write it as name(arguments), with numbers, True, False or quoted words",
  );
}
