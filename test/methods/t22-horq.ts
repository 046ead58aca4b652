/**
 * T22: HORQ (Li et al. 2017) of order 2: H₁ = sign(X), R = X − β₁ · H₁, H₂ = sign(R), Y = Σ β_i · α · (H_i ⊛ B). The paper takes β_i =
 * mean |R_i| of the current input, per column of the convolution's patches. That has a product of its own for every column only where a
 * patch is one position: β per position goes with kernels of 1 × 1 here, β of the whole input with 3 × 3; a frozen β is a constant.
 */
import {
  both,
  flatten,
  magnitude,
  over,
  products,
  sign as signOf,
  sumOfAll,
  sumOfChannels,
  times,
  type Value,
} from "../support/methods/arithmetic.js";
import { arithmetic, batchnorm, type Fields, paddedConv, sign } from "../support/methods/layers.js";
import { bundleCommand, type Method } from "../support/methods/method.js";
import { CENTERED, type MethodNet, type See } from "../support/methods/net.js";
import { normalized, type Parameters } from "../support/methods/parameters.js";
import { signBases, signQuantizer } from "../support/methods/planes-net.js";

const f = Math.fround;

type Beta = "frozen" | "input" | "position";

const FROZEN = [0.7310585975646973, 0.26894143223762512].map(f);
const ORDERS = [1, 2] as const;

/** A value times β of this order: a constant, or a number or a map that is computed. */
function scaledBy(beta: Beta, order: 1 | 2, layer: number, name: string, of: string): Fields {
  if (beta === "frozen") return { ...arithmetic(name, "multiply", FROZEN[order - 1]!), inputs: [of] };
  return { type: "multiply", name, inputs: [of, `beta${layer}.${order}`] };
}

function layers(at: 1 | 2, kernel: number, beta: Beta): unknown[] {
  return [
    batchnorm(`bn${at}`),
    ...ORDERS.flatMap((order): unknown[] => {
      const [name, rest] = [`${at}.${order}`, order === 1 ? `bn${at}` : `r${at}`];
      const mean = beta === "input" ? {} : { dim: [1] };
      return [
        sign(`h${name}`, 1, { inputs: [rest] }),
        ...(beta === "frozen"
          ? []
          : [
              { type: "abs", name: `abs${name}`, inputs: [rest] },
              { type: "mean", name: `beta${name}`, ...mean },
            ]),
        paddedConv(`conv${name}`, signQuantizer(`conv${at}`), (kernel - 1) / 2, {
          weight: `conv${at}.weight`,
          inputs: [`h${name}`],
        }),
        scaledBy(beta, order, at, `y${name}`, `conv${name}`),
        ...(order === 1
          ? [
              scaledBy(beta, order, at, `part${name}`, `h${name}`),
              { type: "subtract", name: `r${at}`, inputs: [rest, `part${name}`] },
            ]
          : []),
      ];
    }),
    { type: "add", name: `y${at}`, inputs: [`y${at}.1`, `y${at}.2`] },
  ];
}

function layer(
  at: 1 | 2,
  x: Value,
  [outputs, kernel]: readonly [number, number],
  beta: Beta,
  drawn: Parameters,
  see: See,
): Value {
  const channels = x.shape[1]!;
  let rest = normalized(drawn, `bn${at}`, x);
  const [{ codes, coefficient: alpha }] = signBases(
    drawn,
    `conv${at}`,
    [outputs, channels, kernel, kernel],
    "output",
  ) as [{ codes: Value; coefficient: readonly number[] }];
  const parts = ORDERS.map((order) => {
    const name = `${at}.${order}`;
    const h = see(`h${name}`, signOf(rest, 1));
    if (order === 1) see(`bn${at}`, rest);
    const sums = see(`conv${name}`, products(h, codes, { pads: (kernel - 1) / 2 }));
    let scale: Value = { shape: [1, 1, 1, 1], data: Float64Array.of(FROZEN[order - 1]!) };
    if (beta !== "frozen") {
      const magnitudes = see(`abs${name}`, magnitude(rest));
      const sum = see(`beta${name} sum`, beta === "input" ? sumOfAll(magnitudes) : sumOfChannels(magnitudes));
      const terms = beta === "input" ? magnitudes.data.length / x.shape[0]! : channels;
      scale = see(`beta${name}`, over(sum, terms));
    }
    const product = (v: Value, as: string): Value =>
      both(beta === "frozen" ? v : see(as, v), scale, (a, b) => f(a * b));
    if (order === 1) {
      const part = see(`part${name}`, product(h, `part${name} input`));
      rest = see(
        `r${at}`,
        both(rest, part, (a, b) => f(a - b)),
      );
    }
    return see(`y${name}`, product(times(sums, alpha), `conv${name} as float`));
  });
  return see(
    `y${at}`,
    both(parts[0]!, parts[1]!, (a, b) => f(a + b)),
  );
}

function horqNet(beta: Beta): MethodNet {
  const kernel = beta === "position" ? 1 : 3;
  return {
    name: `horq_${beta}`,
    input: [3, 9, 7],
    bytes: CENTERED,
    layers: [...layers(1, kernel, beta), ...layers(2, kernel, beta)],
    reference(x, drawn, see) {
      const y = layer(1, x, [31, kernel], beta, drawn, see);
      return flatten(layer(2, y, [5, kernel], beta, drawn, see));
    },
  };
}

export const horq: Method = {
  test: "T22",
  systems: [
    {
      number: "24",
      name: "HORQ",
      paper: "Li et al. 2017, arXiv:1708.08687",
      models: "no public code",
      formats: ["bundle", "ONNX"],
      command: bundleCommand(),
      reading:
        "β of the current input per position (kernels of 1 × 1) or of the whole input, or frozen as a constant; the paper's β per column of patches is what both are for such kernels",
    },
  ],
  result: "exact; the residual and products with β in float32, in a stated order",
  nets: (["frozen", "input", "position"] as const).map(horqNet),
};
