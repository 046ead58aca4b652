/** What docs/METHODS.md says about a published method, and the nets that prove it. */
import type { MethodNet } from "./net.js";

export interface System {
  /** Its number in the list of systems: 1 … 44, 36a, 36b; from 45 on, methods that the list does not have. */
  readonly number: string;
  readonly name: string;
  readonly paper: string;
  /** Where trained models of it come from. */
  readonly models: string;
  /** Input formats that such models have. */
  readonly formats: readonly ("bundle" | "Larq" | "ONNX" | "QONNX" | "TFLite")[];
  /** How a user deploys one. */
  readonly command: string;
  /** Names of the nets that show it; all of the method's unless told. */
  readonly nets?: readonly string[];
  /** Where its nets have another result than the method's others. */
  readonly result?: string;
  /** Where the paper leaves something open and nothing official was read: the reading that the nets take. */
  readonly reading?: string;
}

export interface Method {
  /** T01 … T42; T36 and T37 are of formats, and stand with them. */
  readonly test: string;
  readonly systems: readonly System[];
  /** "exact", or the bound on what differs. */
  readonly result: string;
  readonly nets: readonly MethodNet[];
}

/** A system once more, with its float32 streams in fixed point, shown by these nets. */
export function systemInFixedPoint(system: System, nets: readonly string[]): System {
  return {
    ...system,
    ...{ name: `${system.name}, \`--streams q16\``, command: `${system.command} --streams q16`, nets },
    result:
      "exact by its own integer definition; each tensor within the bound that is reported of the float32 net on the same codes",
  };
}

/** A net whose float32 streams are fixed point, under a name of its own. */
export function inFixedPoint(net: MethodNet): MethodNet {
  return { ...net, name: `${net.name}_q16`, options: { ...net.options, streams: "q16" } };
}

/** What users of bundles type; every layer of the manifest is in docs/FORMATS.md. */
export function bundleCommand(input = "u8"): string {
  return `bitloom verify net.json --input-type ${input} --board nucleo-f446re`;
}
