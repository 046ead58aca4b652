import { Command } from "commander";
import { ExitCode, fail } from "../diagnostics/diagnostic.js";
import { findSerialPort, HARNESS_BAUD, MonitorView, openSerialPort } from "../emulators/index.js";
import { findBoard } from "../targets/index.js";
import { onInterrupt } from "./interrupt.js";
import { wholeNumber } from "./options.js";
import { type CommandResult, present } from "./output.js";

interface Options {
  readonly board?: string;
  readonly port?: string;
  readonly baud: string;
  readonly timeout?: string;
  readonly json: boolean;
}

export function monitorCommand(): Command {
  return new Command("monitor")
    .description("show what a board sends over its serial port, frames of the vector protocol in words")
    .option("--board <id>", "board on the desk (see `bitloom boards`): finds its port by USB ids")
    .option("--port <port>", "serial port; needs no --board")
    .option("--baud <n>", "bits per second", String(HARNESS_BAUD))
    .option("--timeout <seconds>", "ends after this time (default: at Ctrl-C)")
    .option("--json", "print one JSON object at the end", false)
    .addHelpText("after", "\nExample:\n  bitloom monitor --board microbit --timeout 10\n")
    .action((options: Options) => present(options.json, () => run(options)));
}

async function run(options: Options): Promise<CommandResult> {
  const baud = wholeNumber("--baud", options.baud, 300, 4_000_000);
  const timeoutMs =
    options.timeout === undefined ? undefined : 1000 * wholeNumber("--timeout", options.timeout, 1, 86400);
  const path = portOf(options);
  const started = performance.now();
  const port = await openSerialPort(path, baud);
  const view = new MonitorView((text) => {
    if (!options.json) process.stdout.write(text);
  });
  port.onData((bytes) => view.add(bytes));
  if (!options.json) process.stderr.write(`${path}, ${baud} baud; Ctrl-C ends\n`);
  const how = await endOf(port.ended, timeoutMs);
  await port.close();
  view.finish();
  const hasGone = how !== undefined;
  if (hasGone && !options.json) process.stderr.write(`\n${path} ${how}\n`);
  return {
    text: "",
    json: { port: path, baud, seconds: (performance.now() - started) / 1000, ...view.summary },
    exitCode: hasGone ? ExitCode.checkFailed : ExitCode.ok,
  };
}

function portOf({ board: id, port }: Options): string {
  const board = id === undefined ? undefined : findBoard(id);
  if (port !== undefined) return port;
  if (board !== undefined) return findSerialPort(board);
  throw fail("cli/no-port", "monitor needs to know where to listen", {
    remedy: "add --board with the board on the desk, or --port with its serial port",
  });
}

/** How the port ended, or undefined when the time or the user did. */
function endOf(ended: Promise<string>, timeoutMs: number | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => resolve(undefined), timeoutMs);
    const forget = onInterrupt(() => resolve(undefined));
    void ended.then((how) => {
      clearTimeout(timer);
      forget();
      resolve(how);
    });
  });
}
