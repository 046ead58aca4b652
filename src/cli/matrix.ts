/** Commands that do the same for several models on several boards, and the part of it that one of several runners does. */
import { fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { type Board, findBoard } from "../targets/index.js";

export interface Pair {
  /** Path of the model. */
  readonly path: string;
  readonly board: Board;
}

export interface MatrixOptions {
  readonly board?: readonly string[];
  readonly name?: string;
}

/** More runners than any service has. */
const MOST_SHARDS = 10_000;

/** Parses `--board a,b` and repeated `--board`: for commander, which hands over what came before. */
export function boardList(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...value.split(",").map((id) => id.trim())];
}

/** Every model on every board, board by board; each once, however often it was named. */
export function matrix(paths: readonly string[], options: MatrixOptions, defaultBoard: string): Pair[] {
  const models = [...new Set(paths)];
  if (options.name !== undefined && models.length > 1) {
    throw fail("cli/name", "--name is for one model, since every model needs a name of its own", {
      remedy: "leave out --name: names are made from the files'",
    });
  }
  const boards = [...new Set(options.board ?? [defaultBoard])].map((id) => findBoard(id));
  return boards.flatMap((board) => models.map((path) => ({ path, board })));
}

/**
 * The part `index/count` of a list, `1/4` for the first of four: every fourth item from the first. Parts differ by one item at most,
 * and together they are the list; a part of a shorter list may be empty.
 */
export function shard<T>(items: readonly T[], text: string | undefined): readonly T[] {
  if (text === undefined) return items;
  const [, index, count] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number) as [
    number?,
    number?,
    number?,
  ];
  if (index === undefined || count === undefined || index < 1 || index > count || count > MOST_SHARDS) {
    throw fail("cli/shard", `--shard takes a part like 1/4, not "${printable(text, 30)}"`, {
      remedy: `give i/n with 1 ≤ i ≤ n ≤ ${MOST_SHARDS}: one runner each of 1/n to n/n does everything once`,
    });
  }
  return items.filter((_, i) => i % count === index - 1);
}
