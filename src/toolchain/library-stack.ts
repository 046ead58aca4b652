/** Worst-case stack of what a generated library offers: the one place where stack figures come from. */
import { join } from "node:path";
import { type AssemblyObject, compiledNode, readCallGraph, readDeclaredFrames } from "./call-graph.js";
import { ImageStack, type KnownFrames } from "./image-stack.js";
import type { LibraryOnDisk } from "./library.js";
import { type StackUse, worstPath } from "./stack.js";

/** The functions that a library may offer, without its name. */
export const entryPoints = ["init", "run", "selftest", "reset", "push_row", "push_sample"] as const;
export type EntryPoint = (typeof entryPoints)[number];

/** Stack of a function that users call. */
export interface EntryStack extends StackUse {
  readonly entry: EntryPoint;
  /** Its symbol. */
  readonly function: string;
}

/** What compiler and assembly sources say of a library's functions. Throws `toolchain/call-graph` (exit 1). */
export async function libraryFrames(
  library: LibraryOnDisk,
  objects: readonly string[],
): Promise<KnownFrames> {
  const assembly = assemblyOf(library, objects);
  const compiled = objects.filter((object) => !assembly.some((a) => a.object === object));
  const [graph, declared] = await Promise.all([readCallGraph(compiled), readDeclaredFrames(assembly)]);
  return { compiled: graph, declared };
}

/** An image that a library is linked into, with what is known of the library's functions. */
export async function libraryStack(
  library: LibraryOnDisk,
  { elf, libraryObjects }: { readonly elf: string; readonly libraryObjects: readonly string[] },
): Promise<ImageStack> {
  return ImageStack.read(elf, await libraryFrames(library, libraryObjects));
}

/** Stack of the entry points that an image has. Throws what `ImageStack.worst` throws. */
export function entryStacks(image: ImageStack, name: string): EntryStack[] {
  const entries = entryPoints.filter((entry) => image.has(`${name}_${entry}`));
  const uses = image.worst(entries.map((entry) => `${name}_${entry}`));
  return entries.map((entry, i) => ({ entry, function: `${name}_${entry}`, ...uses[i]! }));
}

/**
 * Bytes that the deepest entry point takes as far as compiler and assembly sources tell before anything is linked: without
 * the compiler's library, and one turn of what is recursive.
 */
export function estimatedStack({ compiled, declared }: KnownFrames, name: string): number {
  const nodeOf = (key: string) => {
    const node = compiledNode(compiled, key);
    return compiled.has(key) ? node : { ...node, frameBytes: declared.get(key) ?? 0 };
  };
  return Math.max(...entryPoints.map((entry) => worstPath(nodeOf, `${name}_${entry}`).bytes));
}

/** The library's assembly sources with their objects, which are in the order of its sources. */
function assemblyOf({ dir, sources }: LibraryOnDisk, objects: readonly string[]): AssemblyObject[] {
  return sources.flatMap((file, i) =>
    file.endsWith(".S") ? [{ source: join(dir, file), object: objects[i]! }] : [],
  );
}
