/**
 * Renode's files for the users of a library: a script that runs their firmware and a suite for `renode-test`, with the
 * board's platform where it differs from the one that Renode ships. Pure: the same board gives the same bytes.
 */
import { render } from "../assets/templates.js";
import { fail } from "../diagnostics/diagnostic.js";
import { type Board, listBoards } from "../targets/boards.js";
import { renodeChanges, renodePlatform } from "./renode-script.js";

export interface RenodeFile {
  /** File name without folder. */
  readonly path: string;
  readonly text: string;
}

/**
 * `<name>.resc`, `<name>.robot` and, where needed, `<board>.repl`, which find each other in one folder. All that they
 * contain is a C identifier (`checkedName`) or checked by the schema of boards, so that nothing in it can become a
 * command. Throws `emulator/no-machine` (exit 2) with the boards that Renode has.
 */
export function renodeFiles(name: string, version: string, board: Board): RenodeFile[] {
  const renode = requireRenode(board);
  const isChanged = renode.memories !== undefined || renodeChanges(board, "users").length > 0;
  const view = { name, version, board: board.id, uart: renode.uart };
  const shipped = `@${renode.platform}`;
  const own = `${board.id}.repl`;
  const script = { ...view, platform: isChanged ? `$ORIGIN/${own}` : shipped };
  // In quotation marks: blanks and semicolons in the folder's name stay part of the path.
  const suite = { ...view, platform: isChanged ? `"\${CURDIR}/${own}"` : shipped };
  return [
    { path: `${name}.resc`, text: render("renode/firmware.resc", script) },
    { path: `${name}.robot`, text: render("renode/firmware.robot", suite) },
    ...(isChanged ? [{ path: own, text: renodePlatform(board, "users") }] : []),
  ];
}

/**
 * Refuses a folder whose name would mean something in Renode's or Robot Framework's languages: the files contain the
 * folder's name as a variable that is replaced before a line is read. Throws `emulator/path` (exit 2).
 */
export function checkRenodeFolder(folder: string): void {
  if (/^[\p{L}\p{N}\p{M} _.,:/\\+=~()-]*$/u.test(folder)) return;
  throw fail("emulator/path", "Renode cannot be given a folder with such characters", {
    where: folder,
    remedy: "use letters, digits, blanks and any of _ . , : + = ~ ( ) - in the folder's whole path",
  });
}

/** A board's entry for Renode. Throws `emulator/no-machine` (exit 2), which names the boards that have one. */
export function requireRenode(board: Board): NonNullable<Board["renode"]> {
  if (board.renode !== undefined) return board.renode;
  const known = listBoards().flatMap((b) => (b.renode === undefined ? [] : [b.id]));
  throw fail("emulator/no-machine", `Renode has no platform for the board ${board.id}`, {
    remedy: `use one of ${known.join(", ")}`,
  });
}
