/** The manifest of a bundle: a net's layers, and every convention that a state_dict leaves open. */
import { z } from "zod";
import { name, oneOf, perDimension, wholeNumber } from "./fields.js";
import { bundleLayers } from "./registry.js";

export const FORMAT = "bitloom-bundle";
const VERSION = 1;
/** Far more than a microcontroller holds. */
export const MOST_LAYERS = 2000;
const MOST_UNUSED = 10_000;

const layersText = `a list of 1 to ${MOST_LAYERS} layers`;
const inputText = 'an object like {"shape": [1, 3, 32, 32]}';
const unusedText = "a list of tensors' names";

const input = z
  .strictObject(
    {
      shape: perDimension(1, "sizes of the input, a batch of 1 first: [1, channels, height, width]"),
      stored: z
        .strictObject(
          {
            type: oneOf(["u8", "i8"], '"u8" or "i8"'),
            zero: wholeNumber(-128, 255, "the stored integer that stands for 0"),
          },
          { error: 'an object like {"type": "u8", "zero": 0}' },
        )
        .describe("for inputs that are stored integers: the layers get stored − zero")
        .optional(),
    },
    { error: inputText },
  )
  .describe(inputText);

/** All of a manifest but its layers, which are checked one by one. */
export const envelope = z.strictObject({
  $schema: z.string({ error: "an address" }).describe("where the schema is, for editors").optional(),
  format: z.literal(FORMAT, { error: `"${FORMAT}"` }),
  version: z.literal(VERSION, { error: `${VERSION}, the version of the format` }),
  name: name("the net's name"),
  producer: name("who wrote the bundle, e.g. a program and its version").optional(),
  weights: name("path of the weights, safetensors or npz, from the manifest's folder").optional(),
  input,
  layers: z
    .array(z.unknown(), { error: layersText })
    .min(1, { error: layersText })
    .max(MOST_LAYERS, { error: layersText }),
  unused: z
    .array(name(unusedText), { error: unusedText })
    .max(MOST_UNUSED, { error: unusedText })
    .describe("tensors in the weights file that no layer reads, on purpose")
    .default([]),
});

export type Envelope = z.output<typeof envelope>;

/** The published JSON Schema (draft 2020-12): docs/bundle.schema.json. */
export function manifestSchema(): Record<string, unknown> {
  const layers = z
    .array(z.union(bundleLayers.map((l) => l.schema)))
    .min(1)
    .max(MOST_LAYERS)
    .describe(
      "each layer reads the one before it, or those that its inputs name; the last one is the output",
    );
  const schema = z.toJSONSchema(envelope.extend({ layers }), { target: "draft-2020-12", io: "input" });
  return { ...schema, title: "bitloom bundle" };
}
