/** The tables of docs/METHODS.md, from the nets in test/methods and the figures that `npm run methods` took. */

import { markdownTable } from "../src/report/markdown-table.js";
import { methods } from "../test/methods/methods.js";
import { publishedNets } from "../test/methods/published/nets.js";
import { distinct, type NetFigures, readFigures, SEPARATOR } from "../test/support/methods/figures.js";
import type { Method, System } from "../test/support/methods/method.js";
import { readPublished } from "../test/support/published/figures.js";

interface Row extends System {
  readonly method: Method;
  readonly figures: readonly NetFigures[];
}

/** Systems in the order of their numbers: 36 before 36a. A system that several tests show has a row for each. */
function rows(): Row[] {
  const figures = readFigures().nets;
  return methods
    .flatMap((method) =>
      method.systems.map((system): Row => {
        const nets = system.nets ?? method.nets.map(({ name }) => name);
        return { ...system, method, figures: nets.flatMap((name) => figures[name] ?? []) };
      }),
    )
    .sort(
      (a, b) =>
        Number.parseInt(a.number, 10) - Number.parseInt(b.number, 10) || (a.number < b.number ? -1 : 1),
    );
}

export const methodTables: Readonly<Record<string, () => string>> = {
  "nets of published size": publishedTable,
  methods: () =>
    markdownTable(
      [
        "#",
        "method",
        "models come from",
        "formats",
        "activations × weights",
        "kernels",
        "result",
        "instructions per MAC",
        "proof",
        "try it",
      ],
      rows().map((row) => [
        row.number,
        `${row.name}: ${row.paper}`,
        row.models,
        row.formats.join(", "),
        union(row.figures.map(({ domains }) => domains)),
        union(row.figures.map(({ kernels }) => kernels)),
        row.result ?? row.method.result,
        perMac(row.figures),
        row.method.test,
        `\`${row.command}\``,
      ]),
    ),
  readings: () =>
    markdownTable(
      ["#", "method", "reading"],
      rows().flatMap(({ number, name, reading }) => (reading === undefined ? [] : [[number, name, reading]])),
    ),
  nets: () =>
    markdownTable(
      ["proof", "net", "MACs", `instructions (${readFigures().compiler})`, "flash, bytes", "arena, bytes"],
      methods.flatMap(({ test, nets }) =>
        nets.flatMap(({ name }) => {
          const figures = readFigures().nets[name];
          if (figures === undefined) return [];
          const { macs, instructions, flashBytes, arenaBytes } = figures;
          return [
            [test, name, ...[macs, instructions, flashBytes, arenaBytes].map((n) => n.toLocaleString("en"))],
          ];
        }),
      ),
    ),
};

function union(lists: readonly string[]): string {
  return distinct(lists.flatMap((list) => list.split(SEPARATOR))).join(SEPARATOR);
}

/** Nets of published size. */
function publishedTable(): string {
  const { compiler, nets } = readPublished();
  const columns = [
    "net",
    "parameters",
    "MACs: float32",
    "codes",
    "planes",
    "bytes",
    "flash, bytes",
    "arena, bytes",
    "stack, bytes",
    `instructions (${compiler})`,
    "per MAC",
  ];
  return markdownTable(
    columns,
    Object.entries(publishedNets).flatMap(([name, { title }]): string[][] => {
      const figures = nets[name];
      if (figures === undefined) return [];
      const { parameters, macs, flashBytes, arenaBytes, stackBytes, instructions } = figures;
      const kinds = ["float32", "codes", "planes", "bytes"].map((kind) => macs[kind] ?? 0);
      const all = kinds.reduce((a, b) => a + b, 0);
      const numbers = [...kinds, flashBytes, arenaBytes, stackBytes, instructions];
      const texts = [parameters, ...numbers].map((n) => (n === 0 ? "" : n.toLocaleString("en")));
      return [[title, ...texts, (instructions / all).toFixed(2)]];
    }),
  );
}

/** The least and the greatest of the nets. */
function perMac(figures: readonly NetFigures[]): string {
  const all = figures.map(({ instructions, macs }) => instructions / macs).sort((a, b) => a - b);
  const texts = [...new Set([all[0], all.at(-1)].flatMap((n) => (n === undefined ? [] : [n.toFixed(2)])))];
  return texts.join(" … ");
}
