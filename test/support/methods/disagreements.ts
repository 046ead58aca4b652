/** Where programs differ from what a method defines. */
import { compileTrace } from "../../../src/reference/device-fast.js";
import { Agreement, wholeOf } from "./agreement.js";
import { type BuiltNet, deviceInput, type MethodInput } from "./net.js";

/** Codes of which a pool is taken that the method takes before it quantizes; sums that are kept in fewer bits. */
const BEFORE = / before (pooling|narrowing)$/;

/** Where the program differs from the definition, and tensors of which the definition says nothing. */
export function disagreements(built: BuiltNet, inputs: readonly MethodInput[]): string[] {
  const { program } = built.compiled;
  const trace = compileTrace(program);
  const agreement = new Agreement(program);
  for (const input of inputs) agreement.add(built.define(input.real), trace(deviceInput(built, input)));
  const known = new Set([...agreement.compared, ...Object.keys(built.net.internal ?? {})]);
  const unknown = program.tensors.filter(
    ({ name }, id) =>
      // The output is compared as a whole.
      id !== program.input.tensor &&
      id !== program.output.tensor &&
      !known.has(name) &&
      !known.has(wholeOf(name)) &&
      !BEFORE.test(name),
  );
  return [
    ...agreement.problems,
    ...unknown.map(({ name }) => `the reference does not show tensor "${name}"`),
  ];
}
