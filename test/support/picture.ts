/** What a report's HTML shows, read back from it. */
import { readXml, type XmlElement } from "./xml.js";

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** From units of the data to pixels: `translate(x y) scale(across upward)`. */
export interface Transform {
  readonly x: number;
  readonly y: number;
  readonly across: number;
  readonly upward: number;
}

export interface Picture {
  /** In steps and bytes. */
  readonly boxes: readonly (Rectangle & { readonly className: string; readonly tooltip: string })[];
  readonly transform: Transform;
  /** The map's background, in pixels, y downwards. */
  readonly panel: Rectangle;
  readonly elements: readonly XmlElement[];
}

export function pictureOf(html: string): Picture {
  const elements = readXml(html);
  const svg = elements.find((e) => e.attributes.id === "memory-map");
  const inMap = elements.filter((e) => isWithin(e, svg));
  const group = inMap.find((e) => e.attributes.class === "boxes")!;
  return {
    boxes: inMap
      .filter((e) => e.parent === group && "data-buffer" in e.attributes)
      .map((e) => ({
        ...rectangleOf(e),
        className: e.attributes.class!,
        tooltip: elements.find((t) => t.parent === e && t.name === "title")!.text,
      })),
    transform: transformOf(group),
    panel: rectangleOf(inMap.find((e) => e.attributes.class === "panel")!),
    elements,
  };
}

export function isWithin(element: XmlElement, ancestor: XmlElement | undefined): boolean {
  for (let e: XmlElement | undefined = element; e !== undefined; e = e.parent) {
    if (e === ancestor) return true;
  }
  return false;
}

/** A rectangle of the data in pixels, y downwards. */
export function inPixels(r: Rectangle, { x, y, across, upward }: Transform): Rectangle {
  const height = -r.height * upward;
  return { x: x + r.x * across, y: y + r.y * upward - height, width: r.width * across, height };
}

/** Pairs of rectangles that share more than an edge. */
export function overlaps(rectangles: readonly Rectangle[]): [number, number][] {
  return rectangles.flatMap((a, i) =>
    rectangles.slice(i + 1).flatMap((b, j): [number, number][] => {
      const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
      const upward = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
      // Boxes that touch may overlap by what floats round.
      return across > 1e-6 && upward > 1e-6 ? [[i, i + 1 + j]] : [];
    }),
  );
}

function rectangleOf({ attributes }: XmlElement): Rectangle {
  const number = (name: string): number => Number(attributes[name]);
  return { x: number("x"), y: number("y"), width: number("width"), height: number("height") };
}

function transformOf({ attributes }: XmlElement): Transform {
  const [x, y, across, upward] = /^translate\((\S+) (\S+)\) scale\((\S+) (\S+)\)$/
    .exec(attributes.transform!)!
    .slice(1)
    .map(Number);
  return { x: x!, y: y!, across: across!, upward: upward! };
}
