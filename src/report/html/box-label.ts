/** What stands in a box of the memory map: as much of its name and size as there is room for. */
import { fitText, px, textWidth } from "./text.js";

export const LABEL_SIZE = 11;
const LINE = 13;
const MARGIN = 4;

export interface BoxLine {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  /** Attribute of the text element. */
  readonly transform: string;
}

/** A box in pixels, y downwards. */
export interface PixelBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Lines in the middle of a box, along its longer way where the name is too long for the shorter. */
export function boxLabel(box: PixelBox, name: string, size: string): BoxLine[] {
  const across = linesFor(box.width, box.height, name, size);
  const upward = linesFor(box.height, box.width, name, size);
  const isUpward = (upward[0]?.length ?? 0) > (across[0]?.length ?? 0);
  const lines = isUpward ? upward : across;
  const [x, y] = [px(box.x + box.width / 2), px(box.y + box.height / 2)];
  return lines.map((text, i) => ({
    text,
    x,
    // The baseline of a line that is centred lies a third of its size below the middle.
    y: px(y + LABEL_SIZE * 0.35 + (i - (lines.length - 1) / 2) * LINE),
    transform: isUpward ? `rotate(-90 ${x} ${y})` : "",
  }));
}

function linesFor(length: number, thickness: number, name: string, size: string): string[] {
  if (thickness < LINE) return [];
  const first = fitText(name, length - 2 * MARGIN, LABEL_SIZE);
  if (first === "") return [];
  const hasRoom = thickness >= 2 * LINE + 2 && textWidth(size, LABEL_SIZE) <= length - 2 * MARGIN;
  return hasRoom ? [first, size] : [first];
}
