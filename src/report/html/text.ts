/** Numbers and names as the report writes them, and how wide they are. */
import { printable, shapeText } from "../../diagnostics/text.js";
import type { CallersBuffer } from "./data.js";

/** `13,136`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `13,136 B`. */
export function bytesText(bytes: number): string {
  return `${count(bytes)} B`;
}

/** Bytes of the input that the caller has at a time. */
export function bytesAtATime({ bytes, given }: CallersBuffer): number {
  return given?.bytes ?? bytes;
}

/** Bytes on an axis: `512 B`, `1.5 KiB`, `64 KiB`, `2 MiB`. */
export function axisBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 2 ** 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`;
}

/** Large numbers on an axis: `500`, `20 k`, `1.5 M`. */
export function axisCount(value: number): string {
  if (value < 1e3) return String(value);
  if (value < 1e6) return `${value / 1e3} k`;
  return value < 1e9 ? `${value / 1e6} M` : `${value / 1e9} G`;
}

/** A share in per cent, with one decimal. */
export function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

/** A number of pixels, without digits that nobody sees. */
export function px(value: number): number {
  return Math.round(value * 100) / 100;
}

/** A factor from units of the data to pixels, as exact as the largest arena needs it. */
export function factor(value: number): number {
  return Number(value.toPrecision(12));
}

/** Shapes in their order, equal neighbours counted: `8×8×4, 3 of 8×8×16`. */
export function shapesText(shapes: readonly (readonly number[])[]): string {
  const runs: { text: string; length: number }[] = [];
  for (const text of shapes.map(shapeText)) {
    const last = runs.at(-1);
    if (last?.text === text) last.length++;
    else runs.push({ text, length: 1 });
  }
  return runs.map(({ text, length }) => (length === 1 ? text : `${length} of ${text}`)).join(", ");
}

/** `step 3`, `steps 3 to 5`. */
export function stepsText(from: number, to: number): string {
  return from === to ? `step ${from}` : `steps ${from} to ${to}`;
}

/** Width of a character of the monospaced fonts in use, in parts of the font's size. */
const CHARACTER = 0.61;

/** Width in pixels of text in a monospaced font; characters of East Asian scripts are twice as wide. */
export function textWidth(text: string, size: number): number {
  let characters = 0;
  for (const character of text) characters += character.codePointAt(0)! < 0x1100 ? 1 : 2;
  return characters * CHARACTER * size;
}

/** Fewest characters of a name that still say something. */
const LEAST_CHARACTERS = 6;

/**
 * As much of a name as there is room for; empty where that would say nothing. What tells names apart comes last, so the
 * middle is left out.
 */
export function fitText(text: string, room: number, size: number): string {
  if (textWidth(text, size) <= room) return text;
  const characters = [...text];
  for (let kept = characters.length - 1; kept >= LEAST_CHARACTERS; kept--) {
    const head = Math.floor(kept / 3);
    const short = `${characters.slice(0, head).join("")}…${characters.slice(head - kept).join("")}`;
    if (textWidth(short, size) <= room) return short;
  }
  return "";
}

/** Longest name in a tooltip. */
const NAME_LIMIT = 160;

/** A name of the model, safe to show: what does not print is escaped. Templates escape what HTML would read. */
export function nameText(name: string): string {
  return printable(name, NAME_LIMIT);
}
