import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { type Emulator, hostEmulator, qemuEmulator } from "../emulators/index.js";
import { type Board, qemuBoard } from "../targets/index.js";

export interface ChosenEmulator {
  readonly emulator: Emulator;
  /** The board that the emulator runs: the wanted one or its stand-in with the same core. */
  readonly board: Board;
  /** Something that the user should know about the choice. */
  readonly note?: string;
  /** Ends what the emulator keeps running between images. */
  close(): Promise<void>;
}

/** The emulator that the user wants, or the best there is: Renode, then QEMU. */
export async function chooseEmulator(
  board: Board,
  wanted?: "renode" | "qemu" | "host",
): Promise<ChosenEmulator> {
  const close = async (): Promise<void> => {};
  if (wanted === "host") return { emulator: hostEmulator, board, close };
  const machine = qemuBoard(board);
  if (machine === undefined) {
    throw fail("cli/emulator", `QEMU has no machine for ${board.id}`, {
      remedy: "use another board (`bitloom boards`), or --emulator host",
      exitCode: ExitCode.badInput,
    });
  }
  const note =
    machine.id === board.id
      ? {}
      : {
          note: `QEMU has no ${board.name}: the same library objects run on ${machine.id} (${machine.cpu.name})`,
        };
  return { emulator: qemuEmulator, board: machine, ...note, close };
}
