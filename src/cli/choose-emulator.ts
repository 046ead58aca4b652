import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { createRenodeEmulator, type Emulator, hostEmulator, qemuEmulator } from "../emulators/index.js";
import { type Board, findBoard, qemuBoard } from "../targets/index.js";

export interface ChosenEmulator {
  readonly emulator: Emulator;
  /** The board that the emulator runs: the wanted one or its stand-in. */
  readonly board: Board;
  /** Something that the user should know about the choice. */
  readonly note?: string;
  /** Ends what the emulator keeps running between images. */
  close(): Promise<void>;
}

/** The emulator that the user wants, or the best there is: Renode where it is installed and knows the board, else QEMU. */
export async function chooseEmulator(
  board: Board,
  wanted?: "renode" | "qemu" | "host",
): Promise<ChosenEmulator> {
  if (wanted === "host") return { emulator: hostEmulator, board, close: nothing };
  if (wanted === "renode") return renode(board);
  const isFound = wanted === undefined && board.renode !== undefined && (await createRenodeEmulator().find());
  return isFound ? renode(board) : qemu(board);
}

function renode(board: Board): ChosenEmulator {
  if (board.renode === undefined) {
    throw fail("cli/emulator", `Renode has no platform for ${board.id}`, {
      remedy: "use another board (`bitloom boards` says which Renode knows), or --emulator qemu",
      exitCode: ExitCode.badInput,
    });
  }
  const emulator = createRenodeEmulator();
  return { emulator, board, close: () => emulator.close() };
}

function qemu(board: Board): ChosenEmulator {
  const machine = qemuBoard(board);
  if (machine === undefined) {
    throw fail("cli/emulator", `QEMU has no machine for ${board.id}`, {
      remedy: "use another board (`bitloom boards`), or --emulator host",
      exitCode: ExitCode.badInput,
    });
  }
  const isStandIn = machine.id !== board.id;
  const note = `QEMU has no ${board.name}: the same library objects run on ${machine.id} (${findBoard(machine.id).cpu.name})`;
  return { emulator: qemuEmulator, board: machine, ...(isStandIn ? { note } : {}), close: nothing };
}

async function nothing(): Promise<void> {}
