/** The deepest path through a graph of calls, and why there may be no bound. */
import { BitloomError, type Diagnostic, ExitCode } from "../diagnostics/diagnostic.js";

/** A function: its frame, and whom it calls how deep in it. */
export interface StackNode<Key> {
  readonly name: string;
  /** Bytes that it takes itself. */
  readonly frameBytes: number;
  /** `depth`: bytes of its own that are in use at the call; 0 where its frame is gone, of a jump at its end. */
  readonly calls: readonly { readonly to: Key; readonly depth: number }[];
  /** What makes its stack unknown. */
  readonly problems: readonly StackProblem[];
}

/** Why the stack of a function has no bound. */
export interface StackProblem {
  readonly code:
    | "stack/recursion"
    | "stack/indirect-call"
    | "stack/variable-frame"
    | "stack/unknown-frame"
    | "stack/declared-frame";
  /** Of generated C and of assembly, names that no user chose. */
  readonly function: string;
  /** One sentence without a full stop. */
  readonly message: string;
}

export interface StackUse {
  /** Most bytes that a call can take, counted from the stack pointer at the function's first instruction. */
  readonly bytes: number;
  /** Functions on the deepest path, outermost first, with the bytes that each adds: their sum is `bytes`. */
  readonly path: readonly { readonly function: string; readonly bytes: number }[];
}

/** The deepest path from a function. With problems, it is what is known all the same. */
export function worstPath<Key>(
  nodeOf: (key: Key) => StackNode<Key>,
  start: Key,
): StackUse & { readonly problems: readonly StackProblem[] } {
  const problems: StackProblem[] = [];
  const done = new Map<Key, StackUse>();
  const active: Key[] = [];
  const visit = (key: Key): StackUse => {
    const known = done.get(key);
    if (known !== undefined) return known;
    const node = nodeOf(key);
    if (active.includes(key)) {
      problems.push(recursion(active.slice(active.indexOf(key)).map((k) => nodeOf(k).name)));
      return { bytes: 0, path: [] };
    }
    active.push(key);
    problems.push(...node.problems);
    let deepest: StackUse = {
      bytes: node.frameBytes,
      path: [{ function: node.name, bytes: node.frameBytes }],
    };
    for (const { to, depth } of node.calls) {
      const below = visit(to);
      if (depth + below.bytes <= deepest.bytes) continue;
      deepest = {
        bytes: depth + below.bytes,
        path: [{ function: node.name, bytes: depth }, ...below.path],
      };
    }
    active.pop();
    done.set(key, deepest);
    return deepest;
  };
  return { ...visit(start), problems };
}

function recursion(cycle: readonly string[]): StackProblem {
  const [name] = cycle as readonly [string, ...string[]];
  const way = [...cycle, name].join(" > ");
  return { code: "stack/recursion", function: name, message: `${name} calls itself: ${way}` };
}

/** All problems, each once, as one error (exit 1). */
export function stackError(problems: readonly StackProblem[], where: string): BitloomError {
  const unique = new Map(
    problems.map((p): [string, Diagnostic] => [
      p.message,
      {
        severity: "error",
        code: p.code,
        message: p.message,
        where,
        remedy: "report it: generated libraries have a bound",
      },
    ]),
  );
  return new BitloomError([...unique.values()], ExitCode.checkFailed);
}
