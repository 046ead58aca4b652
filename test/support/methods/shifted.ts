/** Activations with learned shifts around them, one per channel (ReActNet's): told as layers, and as what they compute. */
import { plus, prelu, sign, type Value } from "./arithmetic.js";
import { arithmetic, type Fields, sign as signLayer } from "./layers.js";
import type { See } from "./net.js";
import type { Parameters } from "./parameters.js";

/** A shift, and the sign of the sum. */
export const shiftedSignLayers = (name: string, from: string): Fields[] => [
  { ...arithmetic(`${name}.move`, "add", `${name}.move.bias`), inputs: [from] },
  signLayer(name, 0),
];

/** torch.sign: 0 stays 0. On channel 1 the shift is 0. */
export function shiftedSign(drawn: Parameters, name: string, x: Value): Value {
  return sign(plus(x, shifts(drawn, `${name}.move`, x)), 0);
}

/** A shift, PReLU with a slope per channel, another shift. */
export const shiftedPreluLayers = (name: string): Fields[] => [
  arithmetic(`${name}.in`, "add", `${name}.in.bias`),
  { type: "prelu", name: `${name}.prelu`, weight: `${name}.prelu.weight` },
  arithmetic(name, "add", `${name}.out.bias`),
];

/**
 * Slopes of both signs, and one above 1: the function falls on some channels, so that a sign behind it reads what the PReLU makes,
 * a tensor of the program.
 */
export function shiftedPrelu(drawn: Parameters, name: string, x: Value, see: See = (_, v) => v): Value {
  const moved = plus(x, shifts(drawn, `${name}.in`, x));
  const slopes = drawn.vector(`${name}.prelu.weight`, x.shape[1]!, (c) =>
    c === 2 ? -0.3 : c === 3 ? 1.5 : 0.1 + 0.3 * drawn.random.next(),
  );
  const bent = see(`${name}.prelu as float`, prelu(moved, slopes));
  return plus(bent, shifts(drawn, `${name}.out`, x));
}

function shifts(drawn: Parameters, name: string, x: Value): Float32Array {
  return drawn.vector(`${name}.bias`, x.shape[1]!, (c) => (c === 1 ? 0 : 0.3 * drawn.random.normal()));
}
