/**
 * Renode's Monitor over standard input and output. Not over its telnet port or its keyword server: both accept commands
 * from any computer in the network, and Renode ends by itself when its standard input does.
 */
import { execa } from "execa";
import { type BitloomError, fail } from "../diagnostics/diagnostic.js";
import { printable } from "../diagnostics/text.js";
import { killAtExit, temporaryFolder } from "../toolchain/at-exit.js";
import { endText } from "./process-machine.js";

/** `--plain` leaves cursor movements in. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of them
export const ESCAPES = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|\r/g;
/** The beginning of one at the end of a text: the rest may come. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
export const BEGUN_ESCAPE = /\x1b(?:\[[0-9;?]*[ -/]*)?$/;
const MAX_TEXT = 64 * 1024;
const ARGUMENTS = ["--disable-xwt", "--console", "--plain", "--hide-log"];

export class RenodeMonitor {
  /** Resolves, and never rejects, with how the process ended. */
  readonly ended: Promise<string>;
  readonly #child: ReturnType<typeof startRenode>;
  #text = "";
  #errors = "";
  #end: string | undefined;
  #count = 0;
  #listener: ((text: string) => void) | undefined;
  #wake: () => void = () => undefined;

  constructor(path: string) {
    const own = temporaryFolder("bitloom-renode-own-");
    this.#child = startRenode(path, own.path);
    this.#child.stdin.on("error", () => undefined);
    this.#child.stdout.on("data", (bytes: Buffer) => this.#take(bytes));
    this.#child.stderr.on("data", (bytes: Buffer) => {
      this.#errors = (this.#errors + bytes.toString("latin1")).slice(-MAX_TEXT);
    });
    this.ended = this.#child.then((result) => {
      own.remove();
      this.#end = endText(result);
      this.#wake();
      return this.#end;
    });
    killAtExit(this.#child, this.ended);
  }

  /**
   * Has commands executed, one a line, and returns what was printed meanwhile. A command that fails is no error
   * here: Renode only prints it. Throws (exit 1) `emulator/timeout` or `emulator/ended`.
   */
  async run(commands: readonly string[], timeoutMs: number): Promise<string> {
    const id = ++this.#count;
    const deadline = performance.now() + timeoutMs;
    this.#text = "";
    // In two halves, so that the echo of the command is not taken for its effect.
    const mark = `python "print('bitloom' + '-done-${id}.')"`;
    this.#child.stdin.write(`${[...commands, mark].join("\n")}\n`);
    for (;;) {
      const text = this.#text.replace(ESCAPES, "");
      const at = text.indexOf(`bitloom-done-${id}.`);
      if (at >= 0) return text.slice(0, at);
      if (this.#end !== undefined) throw this.#failed("emulator/ended", `${this.#end} before it was told to`);
      const left = deadline - performance.now();
      if (left <= 0) {
        throw this.#failed("emulator/timeout", `did not answer its Monitor within ${timeoutMs / 1000} s`);
      }
      await this.#arrival(left);
    }
  }

  /** Hands everything that is printed from now on to one listener, or to none. */
  listen(listener: ((text: string) => void) | undefined): void {
    this.#listener = listener;
  }

  /** The end of what it printed, escaped and bounded. */
  lastSeen(): string {
    const said = `${this.#text.replace(ESCAPES, "")} ${this.#errors}`.replace(/\s+/g, " ").trim();
    return printable(said.slice(-250), 300);
  }

  /** Ends the process and waits for it. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Asks it to quit, and ends it when it does not. */
  async quit(): Promise<void> {
    this.#child.stdin.end("quit\n");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5000);
    await this.ended;
    clearTimeout(timer);
  }

  #take(bytes: Buffer): void {
    const text = bytes.toString("latin1");
    this.#text = (this.#text + text).slice(-MAX_TEXT);
    this.#listener?.(text);
    this.#wake();
  }

  #arrival(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #failed(code: string, what: string): BitloomError {
    const said = this.lastSeen();
    return fail(code, `Renode ${what}${said === "" ? "" : `; it said: ${said}`}`, { exitCode: 1 });
  }
}

/**
 * With a folder of its own for settings, since the user's could change what happens after a failed command, and for
 * temporary files: Renode deletes every folder named `renode-…` there, whosever it is.
 */
function startRenode(path: string, own: string) {
  return execa(path, ARGUMENTS, {
    env: { XDG_CONFIG_HOME: own, TMPDIR: own, TEMP: own, TMP: own },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    buffer: false,
    encoding: "buffer",
    reject: false,
    cleanup: true,
  });
}
