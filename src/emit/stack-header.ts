/** `<name>_stack.h`: what a build of the library was found to take of the stack. Never written by `compile`, which builds nothing. */
import { render } from "../assets/templates.js";

/** A build, and the stack of the library's functions in it. */
export interface StackOfBuild {
  /** The library's prefix. */
  readonly name: string;
  readonly version: string;
  /** GCC's name of the core. */
  readonly core: string;
  /** With its version. */
  readonly compiler: string;
  /** The compiler's, in order. */
  readonly flags: readonly string[];
  readonly entries: readonly {
    /** The function without the library's prefix, e.g. `run`. */
    readonly entry: string;
    readonly bytes: number;
    readonly path: readonly { readonly function: string; readonly bytes: number }[];
  }[];
}

/** The header's file name. */
export function stackHeaderName(name: string): string {
  return `${name}_stack.h`;
}

/** The header's text, with `NAME_RUN_STACK_BYTES` and the like. */
export function stackHeader({ entries, flags, ...build }: StackOfBuild): string {
  const NAME = build.name.toUpperCase();
  return render("library/stack.h", {
    ...build,
    NAME,
    flags: flags.join(" "),
    entries: entries.map(({ entry, bytes, path }) => ({
      macro: `${NAME}_${entry.toUpperCase()}_STACK_BYTES`,
      bytes,
      path: stackPath(path),
    })),
  });
}

/** `net_run 24 > net_conv_run 40`: each function with the bytes that it adds. */
export function stackPath(path: StackOfBuild["entries"][number]["path"]): string {
  return path.map((step) => `${step.function} ${step.bytes}`).join(" > ");
}
