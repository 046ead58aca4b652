import Table from "cli-table3";

/** A plain table for terminals and logs: no colours, no lines but under the head. */
export function textTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const bare = {
    top: "",
    "top-mid": "",
    "top-left": "",
    "top-right": "",
    bottom: "",
    "bottom-mid": "",
    "bottom-left": "",
  };
  const rest = {
    "bottom-right": "",
    left: "",
    "left-mid": "",
    mid: "",
    "mid-mid": "",
    right: "",
    "right-mid": "",
    middle: "  ",
  };
  const aligned = head.map((_, i) =>
    rows.length > 0 && rows.every((row) => typeof row[i] === "number")
      ? ("right" as const)
      : ("left" as const),
  );
  const table = new Table({
    head: [...head],
    chars: { ...bare, ...rest },
    colAligns: aligned,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}
