/** What a tool's failure means for the person at the desk. */
import { stripVTControlCharacters } from "node:util";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import type { Board } from "../targets/boards.js";
import type { FailureKind, Flasher } from "./types.js";

interface Words {
  readonly message: string;
  readonly remedy: string;
}

const words: Readonly<Record<FailureKind, Words>> = {
  "no-probe": {
    message: "found no debug probe",
    remedy:
      "connect the board by the USB socket of its debugger, with a cable that has data lines (many charge only); without a debugger use another --tool",
  },
  "no-device": {
    message: "found no board in its bootloader",
    remedy: "start the board's bootloader and use a USB cable with data lines",
  },
  "many-probes": {
    message: "found more than one probe or board",
    remedy: "unplug the others",
  },
  permission: {
    message: "may not open the USB device",
    remedy: "install the tool's udev rules and plug the board in again",
  },
  busy: {
    message: "cannot have the probe: another program uses it",
    remedy: "end the other program (a debugger, an IDE, another flasher), or plug the board in again",
  },
  "no-target": {
    message: "has the probe, but the chip does not answer",
    remedy:
      "check the board's power, the wires of the debug port and the reset line; hold the reset button while the command starts if the firmware sleeps or uses the pins",
  },
  "wrong-chip": {
    message: "found another chip than the board's",
    remedy: "check --board: `bitloom boards` lists them",
  },
  "unknown-target": {
    message: "does not know the board's chip",
    remedy: "update the tool, or use another --tool",
  },
  protected: {
    message: "may not write: the flash is protected",
    remedy:
      "remove the protection with the tool of the chip's maker (it erases the whole chip), then try again",
  },
  verify: {
    message: "read back other bytes than it wrote",
    remedy: "try again; a poor cable or supply, or worn flash, does this",
  },
  timeout: {
    message: "did not end in time",
    remedy: "plug the board in again and try again, or allow more by --timeout",
  },
  failed: { message: "failed", remedy: "see what it said; try another --tool" },
};

const SAID_CHARACTERS = 500;

/** Which of its failures a tool's output shows, and the line that shows it. */
export function readFailure(flasher: Flasher, output: string): { kind: FailureKind; line?: string } {
  const lines = output.split("\n");
  for (const [pattern, kind] of flasher.failures) {
    const line = lines.find((text) => pattern.test(text));
    if (line !== undefined) return { kind, line };
  }
  return { kind: "failed" };
}

/**
 * The error of a tool that failed: exit 1, or 3 where something has to be installed. `remedy` is in place of the usual
 * one.
 */
export function flashFailure(
  flasher: Flasher,
  kind: FailureKind,
  board: Board,
  output: string,
  remedy = flasher.remedies[kind],
): BitloomError {
  const said = lastLines(output);
  return fail(
    `flashing/${kind}`,
    `${flasher.tool} ${words[kind].message}${said === "" ? "" : `; it said: ${said}`}`,
    {
      where: board.id,
      remedy: remedy ?? words[kind].remedy,
      exitCode: kind === "unknown-target" ? 3 : 1,
    },
  );
}

/** What a tool printed, without colours. */
export function plainText(output: string): string {
  return stripVTControlCharacters(output).replaceAll("\r", "\n");
}

/** The end of what it printed, on one line. */
function lastLines(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return printable(lines.join(" | ").slice(-SAID_CHARACTERS), SAID_CHARACTERS + 100);
}
