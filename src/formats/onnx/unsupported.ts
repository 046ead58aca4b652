import { didYouMean, printable } from "../../diagnostics/text.js";
import { onnxOps } from "./registry.js";

const smooth = "replace it by Relu, PRelu or a quantized activation and train again";
const recurrent = "recurrent layers are not supported: use convolutions over time";
const larger = "maps are not enlarged: pools and strides only make them smaller";
const ofEveryInput = "its statistics are those of every single input: train with BatchNormalization";

/** What helps with operators that users are likely to have. */
const remedies: Readonly<Record<string, string>> = {
  ConvTranspose: larger,
  ConvInteger: "export in QDQ format: QuantizeLinear and DequantizeLinear around Conv",
  QLinearConv: "export in QDQ format: QuantizeLinear and DequantizeLinear around Conv",
  QLinearMatMul: "export in QDQ format: QuantizeLinear and DequantizeLinear around MatMul",
  Im2Col: "convolutions are read as Conv nodes: save the model before LowerConvsToMatMul",
  FloatQuant: "small float formats are not supported: quantize to integers with Quant",
  QuantLSTMCell: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  Resize: larger,
  Upsample: larger,
  InstanceNormalization: ofEveryInput,
  LayerNormalization: ofEveryInput,
  GroupNormalization: ofEveryInput,
  GenericPartition: "save the model before it is partitioned",
  Sigmoid: "replace it by a quantized activation (BipolarQuant, or Relu and Quant) and train again",
  Elu: smooth,
  Celu: smooth,
  Selu: smooth,
  Gelu: smooth,
  Erf: smooth,
  Softplus: smooth,
  Softsign: smooth,
  Mish: smooth,
  HardSwish: "it multiplies two computed values: use Relu, PRelu or HardSigmoid and train again",
  Mod: "write rounding as Round, Floor or Ceil between bounds (torch.clamp)",
};

/** FINN's domain of hardware layers, with parts behind it for the languages that they are written in. */
const HARDWARE = "finn.custom_op.fpgadataflow";

/** Longer names are no typing errors; comparing them would take long. */
const LONGEST_NAME = 40;

/** What a user can do about an operator that is not in the registry. */
export function unsupportedRemedy(op: string, domain: string): string {
  if (domain.startsWith(HARDWARE))
    return "save the model before FINN makes hardware layers of it: MatMul, Conv and MultiThreshold are read";
  const elsewhere = onnxOps.find((entry) => entry.op === op);
  if (elsewhere !== undefined) {
    const domains = elsewhere.domains.map((d) => d || "the default domain").join(", ");
    return `${op} is known in ${domains}`;
  }
  if (Object.hasOwn(remedies, op)) return remedies[op]!;
  const inDomain = onnxOps.filter((entry) => entry.domains.includes(domain));
  const candidates = (inDomain.length > 0 ? inDomain : onnxOps).map((entry) => entry.op);
  const guess = op.length <= LONGEST_NAME ? didYouMean(op, candidates) : undefined;
  return guess === undefined ? "`bitloom ops` lists what is supported" : `did you mean ${guess}?`;
}

/** The operator for messages, with its domain if it is not ONNX's own. */
export function opText(op: string, domain: string): string {
  const of = domain === "" ? "" : ` of domain ${printable(domain, 60)}`;
  return `${printable(op, 60) || "without a name"}${of}`;
}
