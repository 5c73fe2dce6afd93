/** A Markdown table. */
export function table(titles, rows) {
  const cells = (row) =>
    `| ${row.map((cell) => String(cell).replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [cells(titles), cells(titles.map(() => "---")), ...rows.map(cells)].join("\n");
}

/** Text as code, or nothing. */
export const code = (text) => (text === "" ? "" : `\`${text}\``);
