/** A type of layers: what a manifest says of it, and how it becomes graph nodes. */
import { z } from "zod";
import type { BundleValue, LayerCall } from "./call.js";
import { name } from "./fields.js";

/** One supported type of layers. */
export interface LayerEntry {
  readonly type: string;
  /** What is supported of it, for `bitloom ops` and docs/FORMATS.md. */
  readonly notes: string;
  readonly schema: z.ZodObject;
  read(layer: unknown): ReadLayer;
}

/** A layer of a manifest: what its fields break, or how to import it. */
export type ReadLayer =
  | { readonly issues: readonly z.core.$ZodIssue[] }
  | {
      readonly issues?: never;
      readonly name: string | undefined;
      readonly inputs: readonly string[] | undefined;
      /** Throws a Rejection for what the layer cannot take. */
      readonly run: (call: LayerCall) => BundleValue;
    };

const MOST_INPUTS = 64;
const listed = `names of layers that stand before it, or "input"; at most ${MOST_INPUTS}`;

const common = {
  name: name("the layer's name; without it, its type and place: relu 3").optional(),
  inputs: z
    .array(name(listed), { error: listed })
    .min(1, { error: listed })
    .max(MOST_INPUTS, { error: listed })
    .describe(`what it reads: ${listed}; without it, the layer before`)
    .optional(),
};

const shared = z.object(common);

/**
 * An entry of the registry. The handler gets the layer's own fields, checked and with their defaults; `more` is what
 * the names of the fields do not say.
 */
export function layer<Fields extends z.ZodRawShape>(
  type: string,
  more: string,
  fields: Fields,
  handler: (call: LayerCall, settings: z.output<z.ZodObject<Fields>>) => BundleValue,
): LayerEntry {
  const own = z.object(fields);
  const notes = [...fieldNotes(own.shape), more].filter((part) => part !== "").join("; ");
  const schema = z
    .strictObject({ type: z.literal(type), ...common, ...fields })
    .meta({ id: type, description: notes });
  return Object.freeze({
    type,
    notes,
    schema,
    read: (value: unknown): ReadLayer => {
      const checked = schema.safeParse(value);
      if (!checked.success) return { issues: checked.error.issues };
      const settings = own.parse(value);
      const { name: given, inputs } = shared.parse(value);
      return { name: given, inputs, run: (call) => handler(call, settings) };
    },
  });
}

/** Which fields a layer needs and which it may have. */
function fieldNotes(fields: Readonly<Record<string, z.core.$ZodType>>): string[] {
  const isNeeded = (name: string): boolean => !z.safeParse(fields[name]!, undefined).success;
  const names = Object.keys(fields);
  const list = (word: string, of: readonly string[]): string =>
    of.length === 0 ? "" : `${word} ${of.join(", ")}`;
  return [
    list("needs", names.filter(isNeeded)),
    list(
      "takes",
      names.filter((name) => !isNeeded(name)),
    ),
  ];
}
