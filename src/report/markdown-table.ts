/** A table in Markdown, as Biome and people leave it: one space around each cell. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return lines.join("\n").replaceAll("| ---", "|---").replaceAll("--- |", "---|");
}
