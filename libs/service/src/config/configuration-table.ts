import type { Variables } from "./parse-env.ts";

/**
 * The configuration table of the README, in Markdown, from the tables that the services read. A variable that several of them read
 * stands once, where it first occurs.
 */
export function configurationTable(tables: readonly Variables[]): string {
  const rows = new Map(tables.flatMap((table) => Object.values(table)).map((row) => [row.name, row] as const));
  const cell = (text: string) => text.replaceAll("|", "\\|").replace(/\s+/g, " ");
  return [
    "| variable | what to write | default | what it decides |",
    "|---|---|---|---|",
    ...[...rows.values()].map(
      ({ spelling, type, fallback, doc }) => `| ${spelling} | ${cell(type)} | ${cell(fallback)} | ${cell(doc)} |`,
    ),
    "",
  ].join("\n");
}
