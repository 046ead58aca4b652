/** Layers of manifests that many methods have. Tensors are named by their layer, as in a state_dict. */
import { EPS } from "./parameters.js";

export type Fields = Readonly<Record<string, unknown>>;

/** Weights that are ±1: latent ones by their sign. */
export const ONE_BIT: Fields = { type: "sign", sign_of_zero: 1, scale: 1 };
export const FLOAT: Fields = { type: "none" };

export function conv(name: string, quantizer: Fields, more: Fields = {}): Fields {
  return { type: "conv2d", name, weight: `${name}.weight`, weight_quantizer: quantizer, ...more };
}

/** The same with pads of 0 on all sides. */
export function paddedConv(name: string, quantizer: Fields, padding: number, more: Fields = {}): Fields {
  return conv(name, quantizer, { padding, padding_value: 0, ...more });
}

export function linear(name: string, quantizer: Fields, more: Fields = {}): Fields {
  return { type: "linear", name, weight: `${name}.weight`, weight_quantizer: quantizer, ...more };
}

export function batchnorm(name: string, more: Fields = {}): Fields {
  return {
    type: "batchnorm",
    name,
    weight: `${name}.weight`,
    bias: `${name}.bias`,
    running_mean: `${name}.running_mean`,
    running_var: `${name}.running_var`,
    eps: EPS,
    ...more,
  };
}

export function sign(name: string, ofZero: 1 | 0, more: Fields = {}): Fields {
  return { type: "sign", name, sign_of_zero: ofZero, ...more };
}

export function maxpool(name: string, size: number, more: Fields = {}): Fields {
  return { type: "maxpool2d", name, kernel_size: size, ...more };
}

/** One operation with a number, or with a constant of the file that has one number per channel. */
export function arithmetic(name: string, operator: string, operand: string | number): Fields {
  return { type: "arithmetic", name, operator, operand, ...(typeof operand === "string" ? { dim: 1 } : {}) };
}
