/**
 * What GCC tells of the functions that it compiled: the `.ci` files that `-fcallgraph-info=su` writes beside the
 * objects (GCC 10 and later; Clang has nothing like it), VCG text with a node per function and an edge per call.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fail } from "../diagnostics/diagnostic.js";
import { findFunction, readElf, sourceName } from "./elf.js";
import type { StackNode } from "./stack.js";

/** A function that was compiled. */
export interface CompiledFunction {
  /** As in the source. */
  readonly name: string;
  readonly frameBytes: number;
  /** True where the frame grows while the function runs by what only running tells: `alloca`, arrays of variable length. */
  readonly isVariable: boolean;
  readonly callsThroughPointer: boolean;
  /** Keys of the functions that it calls. */
  readonly calls: readonly string[];
}

/** Functions by key: the name, of a static function `file.c:name`. */
export type CallGraph = ReadonlyMap<string, CompiledFunction>;

/** Longer than the call graph of any library; a file of this size is no call graph. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
/** GCC's name for what is called through a pointer. */
const INDIRECT = "__indirect_call";

/** Key of a function of an image: `file` is that of a local symbol. */
export function functionKey(name: string, file?: string): string {
  return file === undefined ? name : `${basename(file)}:${name}`;
}

/** Reads the call graphs beside objects (paths end in `.o`). Throws `toolchain/call-graph` (exit 1). */
export async function readCallGraph(objects: readonly string[]): Promise<CallGraph> {
  const texts = await Promise.all(
    objects.map(async (object) => {
      const path = object.replace(/\.o$/, ".ci");
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text === undefined) throw bad("the compiler wrote none", path);
      return [path, text] as const;
    }),
  );
  return parseCallGraphs(texts);
}

/** Merges the call graphs of several objects, pairs of file name and text. Throws `toolchain/call-graph` (exit 1). */
export function parseCallGraphs(texts: readonly (readonly [where: string, text: string])[]): CallGraph {
  const graph = new Map<string, CompiledFunction>();
  for (const [where, text] of texts) {
    for (const [key, compiled] of parseOne(text, where)) {
      if (graph.has(key)) throw bad(`it has the function ${key}, which another object has, too`, where);
      graph.set(key, compiled);
    }
  }
  return graph;
}

function parseOne(text: string, where: string): Map<string, CompiledFunction> {
  if (text.length > MAX_CHARACTERS) throw bad(`it is larger than ${MAX_CHARACTERS} characters`, where);
  const [first = "", ...lines] = text.trimEnd().split("\n");
  if (!first.startsWith("graph: {") || lines.at(-1) !== "}") throw bad("it is cut short, or no graph", where);
  const functions = new Map<string, CompiledFunction>();
  const calls = new Map<string, Set<string>>();
  for (const [index, line] of lines.slice(0, -1).entries()) {
    const node = /^node: \{ title: "(.+)" label: "(.+?)\\n(.*)"(?: shape : ellipse)? \}$/.exec(line);
    const edge = /^edge: \{ sourcename: "(.+?)" targetname: "(.+?)"(?: label: ".*")? \}$/.exec(line);
    if (node !== null) {
      const [, title, , details] = node as unknown as [string, string, string, string];
      const compiled = compiledFunction(title, details);
      if (compiled !== undefined) functions.set(keyOf(title), compiled);
    } else if (edge !== null) {
      const [, from, to] = edge as unknown as [string, string, string];
      calls.set(keyOf(from), (calls.get(keyOf(from)) ?? new Set()).add(keyOf(to)));
    } else if (!isPlainNode(line)) {
      throw bad(`line ${index + 2} is neither a node nor an edge`, where);
    }
  }
  return withCalls(functions, calls);
}

/** A node that says nothing but its name. */
function isPlainNode(line: string): boolean {
  return /^node: \{ title: ".+" label: ".*"(?: shape : ellipse)? \}$/.test(line);
}

/** Undefined where the node is only called here, and defined elsewhere. */
function compiledFunction(title: string, details: string): CompiledFunction | undefined {
  const frame = /(?:^|\\n)(\d+) bytes \(([a-z,]+)\)/.exec(details);
  if (frame === null) return undefined;
  return {
    name: sourceName(title.slice(title.lastIndexOf(":") + 1)),
    frameBytes: Number(frame[1]),
    isVariable: frame[2] === "dynamic",
    callsThroughPointer: false,
    calls: [],
  };
}

function withCalls(
  functions: ReadonlyMap<string, CompiledFunction>,
  calls: ReadonlyMap<string, ReadonlySet<string>>,
): Map<string, CompiledFunction> {
  return new Map(
    [...functions].map(([key, compiled]) => {
      const called = [...(calls.get(key) ?? [])];
      return [
        key,
        {
          ...compiled,
          callsThroughPointer: called.includes(INDIRECT),
          calls: called.filter((c) => c !== INDIRECT),
        },
      ];
    }),
  );
}

/** Of a title: the name, of a static function `path/file.c:name`. */
function keyOf(title: string): string {
  const colon = title.lastIndexOf(":");
  return colon < 0 ? title : functionKey(title.slice(colon + 1), title.slice(0, colon));
}

/** The call graph for `worstPath`. What the compiler does not tell of takes nothing here. */
export function compiledNode(graph: CallGraph, key: string): StackNode<string> {
  const compiled = graph.get(key);
  if (compiled === undefined) return { name: key, frameBytes: 0, calls: [], problems: [] };
  const { name, frameBytes, calls } = compiled;
  return { name, frameBytes, calls: calls.map((to) => ({ to, depth: frameBytes })), problems: [] };
}

/** An assembly source and what was made of it. */
export interface AssemblyObject {
  readonly source: string;
  readonly object: string;
}

/** Frames that assembly sources declare of the functions that their objects have: the preprocessor leaves other cores' out. */
export async function readDeclaredFrames(assembly: readonly AssemblyObject[]): Promise<Map<string, number>> {
  const frames = await Promise.all(
    assembly.map(async ({ source, object }) => {
      const elf = await readElf(object);
      return declaredFrames(await readFile(source, "utf8")).filter(
        ([name]) => findFunction(elf, name) !== undefined,
      );
    }),
  );
  return new Map(frames.flat());
}

/** Frames that an assembly source declares in comments, `frame: <function> <bytes>`. */
export function declaredFrames(source: string): [string, number][] {
  return [...source.matchAll(/\bframe: (\w+) (\d+)/g)].map((match) => [match[1]!, Number(match[2])]);
}

function bad(why: string, where: string) {
  return fail("toolchain/call-graph", `not a usable call graph: ${why}`, { where, exitCode: 1 });
}
