/** What a board sends, for people: text as it is, frames of the vector protocol in words. */
import { printable } from "../diagnostics/text.js";
import { describeFault } from "./fault.js";
import { type Frame, FrameDecoder, FrameType, frameName } from "./frames.js";
import { readFault, readHello, readVerdict } from "./messages.js";

/** Longest frame that is believed, in bytes: what looks like a longer one is text. */
const MAX_PAYLOAD = 64 * 1024;
/** What `--json` keeps. */
const KEPT_FRAMES = 1000;
const KEPT_TEXT = 64 * 1024;

export interface MonitorSummary {
  readonly bytes: number;
  /** The first thousand. */
  readonly frames: readonly { readonly type: string; readonly sequence: number; readonly bytes: number }[];
  /** What was part of no frame; the last 64 KB. */
  readonly text: string;
}

export class MonitorView {
  readonly #show: (text: string) => void;
  readonly #decoder = new FrameDecoder();
  readonly #utf8 = new TextDecoder();
  readonly #frames: { type: string; sequence: number; bytes: number }[] = [];
  #bytes = 0;
  #text = "";
  /** A carriage return at the end of what came: with a line feed it is the end of a line. */
  #held = "";
  #atLineStart = true;

  constructor(show: (text: string) => void) {
    this.#show = show;
    this.#decoder.maxPayload = MAX_PAYLOAD;
    this.#decoder.onSkipped = (bytes) => this.#addText(this.#utf8.decode(bytes, { stream: true }));
  }

  add(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    for (const piece of this.#decoder.pieces(bytes)) this.#addFrame(piece);
  }

  /** Shows what looked like the beginning of a frame. */
  finish(): void {
    this.#addText(this.#utf8.decode(this.#decoder.rest()));
    if (!this.#atLineStart) this.#show("\n");
  }

  get summary(): MonitorSummary {
    return { bytes: this.#bytes, frames: this.#frames, text: this.#text };
  }

  #addText(text: string): void {
    this.#text = (this.#text + text).slice(-KEPT_TEXT);
    const all = this.#held + text;
    this.#held = all.endsWith("\r") ? "\r" : "";
    const shown = visible(all.slice(0, all.length - this.#held.length));
    if (shown === "") return;
    this.#show(shown);
    this.#atLineStart = shown.endsWith("\n");
  }

  #addFrame(frame: Frame): void {
    const { sequence, payload } = frame;
    if (this.#frames.length < KEPT_FRAMES)
      this.#frames.push({ type: frameName(frame.type), sequence, bytes: payload.length });
    this.#show(`${this.#atLineStart ? "" : "\n"}[${frameText(frame)}]\n`);
    this.#atLineStart = true;
  }
}

/** Characters that would move the cursor or colour the terminal are shown as escapes. */
function visible(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .split(/([\n\t])/)
    .map((part) => (part === "\n" || part === "\t" ? part : printable(part, KEPT_TEXT)))
    .join("");
}

function frameText(frame: Frame): string {
  const { type, sequence, payload } = frame;
  const head = `${frameName(type)} ${sequence}`;
  try {
    const details = detailsOf(frame);
    return details === "" ? head : `${head}: ${details}`;
  } catch {
    return `${head}: ${payload.length} bytes, of which nothing is known`;
  }
}

function detailsOf(frame: Frame): string {
  const { type, payload } = frame;
  if (type === FrameType.hello) {
    const { modelCrc, inputBytes, outputBytes, trace, selftestStatus } = readHello(frame);
    const model = modelCrc.toString(16).padStart(8, "0");
    const build = trace ? "trace build, " : "";
    return `model ${model}, ${build}input ${inputBytes} bytes, output ${outputBytes} bytes, self-test ${selftestStatus === 0 ? "passed" : `failed (${selftestStatus})`}`;
  }
  if (type === FrameType.fault) return describeFault(readFault(frame));
  if (type === FrameType.end) {
    const { pass, runs, failedRuns, rejectedFrames } = readVerdict(frame);
    return `${pass ? "pass" : "fail"}, ${runs} runs, ${failedRuns} failed, ${rejectedFrames} frames refused`;
  }
  return payload.length === 0 ? "" : `${payload.length} bytes`;
}
