/** Damaged models: every one ends in a library or in a BitloomError, never in another exception. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileModelFile } from "../../../src/compile.js";
import { BitloomError } from "../../../src/diagnostics/diagnostic.js";
import { onnxFixture } from "../../support/fixtures.js";
import { smallNet } from "../../support/onnx-builder.js";

const models = [
  smallNet(),
  smallNet({ softmax: true }),
  ...["scales_w4a3_relu", "opset13_constants", "exact_ties"].map((name) => onnxFixture(`${name}.onnx`)),
].map((file) => Uint8Array.from(file));

type Mutation =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "bomb"; readonly at: number; readonly bytes: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number };

const at = fc.nat({ max: 1_000_000 });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat({ max: 7 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("set" as const),
      at,
      value: fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const), at }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("bomb" as const), at, bytes: fc.integer({ min: 1, max: 9 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("repeat" as const),
      at,
      length: fc.integer({ min: 1, max: 200 }),
    }),
  },
);

/** Positions are taken modulo the file's length. */
function mutate(file: Uint8Array, m: Mutation): Uint8Array {
  const position = m.at % Math.max(1, file.length);
  const copy = file.slice();
  switch (m.kind) {
    case "flip":
      copy[position]! ^= 1 << m.bit;
      return copy;
    case "set":
      copy[position] = m.value;
      return copy;
    case "cut":
      return copy.subarray(0, position);
    case "bomb":
      // A varint of that many bytes: a length, a size or a count far beyond the file.
      copy.fill(0xff, position, Math.min(copy.length, position + m.bytes));
      return copy;
    case "repeat":
      return Uint8Array.from([...copy.subarray(0, position + m.length), ...copy.subarray(position)]);
  }
}

test("1,000 mutated models compile or are refused with exit code 2", () => {
  let compiled = 0;
  let refused = 0;
  const model = fc.nat({ max: models.length - 1 });
  fc.assert(
    fc.property(model, fc.array(mutation, { minLength: 1, maxLength: 3 }), (which, mutations) => {
      const file = mutations.reduce(mutate, models[which]!);
      try {
        compileModelFile(file, "model.onnx");
        compiled++;
      } catch (error) {
        if (!(error instanceof BitloomError)) throw error;
        expect(error.exitCode).toBe(2);
        const defects = error.diagnostics.filter((d) => d.code === "graph/invalid");
        expect(defects).toEqual([]);
        refused++;
      }
    }),
    { numRuns: 1000 },
  );
  // Both ends must be reached, or the mutations are too mild or too wild to say anything.
  expect(compiled).toBeGreaterThan(50);
  expect(refused).toBeGreaterThan(50);
});
