/** Attributes of a node: declared by each operator, checked once, then read without surprises. */
import { didYouMean, printable } from "../../diagnostics/text.js";
import { wholeNumber } from "../common/limits.js";
import { damaged, Rejection } from "../common/rejection.js";
import type { AttributeProto, TensorProto } from "./onnx_pb.js";

export type AttributeType = "float" | "int" | "text" | "tensor" | "floats" | "ints" | "texts" | "sparse";

/** ONNX's numbers for the types of attributes. */
const typeCodes: Readonly<Record<AttributeType, number>> = {
  float: 1,
  int: 2,
  text: 3,
  tensor: 4,
  floats: 6,
  ints: 7,
  texts: 8,
  sparse: 11,
};

/** Checked attributes by name. */
export type Attributes = ReadonlyMap<string, AttributeProto>;

/**
 * Checks a node's attributes against those that its operator knows. An unknown one is an error, since it may
 * change what the operator does.
 */
export function checkAttributes(
  protos: readonly AttributeProto[],
  declared: Readonly<Record<string, AttributeType>>,
): Attributes {
  const checked = new Map<string, AttributeProto>();
  for (const proto of protos) {
    if (!Object.hasOwn(declared, proto.name)) throw unknownAttribute(proto.name, Object.keys(declared));
    if (checked.has(proto.name)) throw new Rejection(`its attribute "${proto.name}" occurs twice`, damaged);
    const type = declared[proto.name]!;
    if (proto.type !== 0 && proto.type !== typeCodes[type])
      throw new Rejection(`its attribute "${proto.name}" is not of type ${type}`, damaged);
    const numbers = [proto.f, ...proto.floats, Number(proto.i), ...proto.ints.map(Number)];
    if (!numbers.every(Number.isFinite) || ![proto.i, ...proto.ints].every(isSafe))
      throw new Rejection(`its attribute "${proto.name}" is not a finite number in range`, damaged);
    checked.set(proto.name, proto);
  }
  return checked;
}

export function intAttribute(attributes: Attributes, name: string, byDefault: number): number {
  const attribute = attributes.get(name);
  return attribute === undefined ? byDefault : wholeNumber(attribute.i);
}

/** Float attributes are float32 in the file; the default is rounded to it. */
export function floatAttribute(attributes: Attributes, name: string, byDefault: number): number {
  return attributes.get(name)?.f ?? Math.fround(byDefault);
}

export function textAttribute(attributes: Attributes, name: string, byDefault: string): string {
  const attribute = attributes.get(name);
  return attribute === undefined ? byDefault : new TextDecoder().decode(attribute.s);
}

export function intsAttribute(attributes: Attributes, name: string): readonly number[] | undefined {
  return attributes.get(name)?.ints.map(wholeNumber);
}

export function floatsAttribute(attributes: Attributes, name: string): readonly number[] | undefined {
  return attributes.get(name)?.floats;
}

export function tensorAttribute(attributes: Attributes, name: string): TensorProto | undefined {
  return attributes.get(name)?.t;
}

function isSafe(value: bigint): boolean {
  return Number.isSafeInteger(wholeNumber(value));
}

function unknownAttribute(name: string, declared: readonly string[]): Rejection {
  const shown = printable(name, 40);
  const guess = name.length <= 40 ? didYouMean(name, declared) : undefined;
  const known = declared.length === 0 ? "it takes none" : `known are ${declared.join(", ")}`;
  return new Rejection(
    `its attribute "${shown}" is not known`,
    guess === undefined ? known : `did you mean ${guess}?`,
  );
}
