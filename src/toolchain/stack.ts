/**
 * Worst-case stack of functions, from the call graphs that GCC writes beside its objects
 * (`-fstack-usage -fcallgraph-info=su`, `.ci` files in VCG syntax).
 */
import { readFile } from "node:fs/promises";
import { fail } from "../diagnostics/diagnostic.js";
import { findFunction, readElf } from "./elf.js";

export interface StackUse {
  /** Bytes on the deepest path through functions whose frames are known. */
  readonly bytes: number;
  /** That path, outermost first. */
  readonly path: readonly string[];
  /** Called functions without a known frame (assembly, library, variable-size, through a pointer): not in `bytes`. */
  readonly unknown: readonly string[];
  /** Functions that call themselves, directly or not; then there is no bound and `bytes` counts one turn. */
  readonly recursive: readonly string[];
}

export interface CallGraph {
  /** Frame in bytes by node; a node without a known frame is absent. */
  readonly frames: ReadonlyMap<string, number>;
  readonly calls: ReadonlyMap<string, ReadonlySet<string>>;
  /** Node by the name that the C source uses; static functions have a node name with their file. */
  readonly byName: ReadonlyMap<string, string>;
}

/**
 * Reads the `.ci` files beside objects (paths end in `.o`). The compiler writes none for assembly: there every
 * function's frame is declared in a comment of the source, `frame: <function> <bytes>`.
 */
export async function readCallGraph(
  objects: readonly string[],
  assembly: readonly { readonly source: string; readonly object: string }[] = [],
): Promise<CallGraph> {
  const compiled = objects.filter((o) => !assembly.some((a) => a.object === o));
  const graph = parseCallGraph(
    await Promise.all(compiled.map((o) => readFile(o.replace(/\.o$/, ".ci"), "utf8"))),
  );
  const declared = await Promise.all(assembly.map(definedFrames));
  return { ...graph, frames: new Map([...graph.frames, ...declared.flat()]) };
}

/** What a source declares of the functions that its object has: another core's are left out by the preprocessor. */
async function definedFrames({ source, object }: { source: string; object: string }) {
  const elf = await readElf(object);
  const declared = declaredFrames(await readFile(source, "utf8"));
  return declared.filter(([name]) => findFunction(elf, name) !== undefined);
}

/** Frames that an assembly source declares. */
export function declaredFrames(source: string): [string, number][] {
  return [...source.matchAll(/\bframe: (\w+) (\d+)/g)].map((match) => [match[1]!, Number(match[2])]);
}

/** Merges the call graphs of several objects. */
export function parseCallGraph(texts: readonly string[]): CallGraph {
  const frames = new Map<string, number>();
  const calls = new Map<string, Set<string>>();
  const byName = new Map<string, string>();
  for (const text of texts) {
    for (const match of text.matchAll(/^node: \{ title: "([^"]+)" label: "([^"]*)"/gm)) {
      const [, node, label] = match as unknown as [string, string, string];
      const frame = /\\n(\d+) bytes \((static|dynamic,bounded)\)/.exec(label);
      if (frame !== null) frames.set(node, Number(frame[1]));
      if (/\\n\d+ bytes \(/.test(label)) byName.set(sourceName(label), node);
    }
    for (const match of text.matchAll(/^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"/gm)) {
      const [, from, to] = match as unknown as [string, string, string];
      calls.set(from, (calls.get(from) ?? new Set()).add(to));
    }
  }
  return { frames, calls, byName };
}

/** Worst-case stack of one function and everything it calls. Throws `toolchain/no-function` (exit 2). */
export function worstStack(graph: CallGraph, name: string): StackUse {
  const start = graph.byName.get(name);
  if (start === undefined) throw fail("toolchain/no-function", `no object defines the function ${name}`);
  const unknown = new Set<string>();
  const recursive = new Set<string>();
  const done = new Map<string, { bytes: number; path: string[] }>();
  const active = new Set<string>();
  const visit = (node: string): { bytes: number; path: string[] } => {
    const known = done.get(node);
    if (known !== undefined) return known;
    if (active.has(node)) {
      recursive.add(plainName(node));
      return { bytes: 0, path: [] };
    }
    active.add(node);
    const frame = graph.frames.get(node);
    if (frame === undefined) unknown.add(plainName(node));
    let deepest = { bytes: 0, path: [] as string[] };
    for (const callee of graph.calls.get(node) ?? []) {
      const below = visit(callee);
      if (below.bytes > deepest.bytes) deepest = below;
    }
    active.delete(node);
    const result = { bytes: (frame ?? 0) + deepest.bytes, path: [plainName(node), ...deepest.path] };
    done.set(node, result);
    return result;
  };
  const { bytes, path } = visit(start);
  return { bytes, path, unknown: [...unknown].sort(), recursive: [...recursive].sort() };
}

/** The function's name in the source: GCC may compile a static function for its only arguments, under a longer one. */
function sourceName(label: string): string {
  return label.split("\\n")[0]!.replace(/(\.(constprop|isra))+$/, "");
}

/** `file.c:name` of a static function without the file. */
function plainName(node: string): string {
  if (node === "__indirect_call") return "a call through a pointer";
  return node.slice(node.lastIndexOf(":") + 1);
}
