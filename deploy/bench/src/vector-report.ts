import type { VectorBuild, VectorCell, VectorMeasures } from "./measure-vectors.ts";

type Column<Row> = readonly [title: string, value: (row: Row) => string];

const cellColumns: readonly Column<VectorCell>[] = [
  ["vectors", ({ vectorCount }) => String(vectorCount)],
  ["search", ({ scenario }) => scenario],
  ["way", ({ way }) => way],
  ["p50 ms", ({ p50Ms }) => p50Ms.toFixed(1)],
  ["p95 ms", ({ p95Ms }) => p95Ms.toFixed(1)],
  ["of exact", ({ ratioToExact }) => ratioToExact.toFixed(2)],
  ["found", ({ found }) => found.toFixed(3)],
  ["recall", ({ recall }) => recall.toFixed(3)],
];

const buildColumns: readonly Column<VectorBuild>[] = [
  ["vectors", ({ vectorCount }) => String(vectorCount)],
  ["put/s", ({ putsPerSecond }) => putsPerSecond.toFixed(0)],
  ["index s", ({ tendMs }) => (tendMs / 1000).toFixed(1)],
  ["table MiB", ({ tableMiB }) => tableMiB.toFixed(0)],
  ["index MiB", ({ indexMiB }) => indexMiB.toFixed(0)],
  ["memory MiB", ({ buildMemoryMiB }) => `<= ${buildMemoryMiB}`],
];

export function toVectorTables({ cells, builds }: VectorMeasures): string {
  return `${toTable(cellColumns, cells)}\n\n${toTable(buildColumns, builds)}`;
}

function toTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const texts = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, value]) => value(row)))];
  const widths = columns.map((_, column) => Math.max(...texts.map((row) => row[column]!.length)));
  return texts
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** One line a search, with numbers as measured. */
export function toVectorCsv({ cells }: VectorMeasures): string {
  const titles = ["vectors", "search", "way", "p50_ms", "p95_ms", "ratio_to_exact", "found", "recall"];
  const lines = cells.map(({ vectorCount, scenario, way, p50Ms, p95Ms, ratioToExact, found, recall }) =>
    [
      vectorCount,
      `"${scenario}"`,
      way,
      ...[p50Ms, p95Ms, ratioToExact, found, recall].map((value) => value.toFixed(4)),
    ].join(","),
  );
  return `${[titles.join(","), ...lines].join("\n")}\n`;
}

const plot = { left: 330, bar: 11, width: 520, right: 110, top: 62 };
const colours = { exact: "#8a94a6", indexed: "#2f6fde" };

/** Bars from the left to p50 with a whisker to p95, milliseconds on a logarithmic axis, and the recall of each at its end. */
export function toVectorSvg({ cells, server }: VectorMeasures): string {
  const most = 10 ** Math.ceil(Math.log10(Math.max(...cells.map(({ p95Ms }) => p95Ms))));
  const least = 10 ** Math.floor(Math.log10(Math.min(...cells.map(({ p50Ms }) => p50Ms))));
  const decades = Math.log10(most / least);
  const x = (ms: number) => plot.left + (Math.log10(ms / least) / decades) * plot.width;
  const groups = Map.groupBy(cells, ({ vectorCount, scenario }) => `${vectorCount.toLocaleString("en")}: ${scenario}`);
  const rowHeight = 2 * plot.bar + 14;
  const bottom = plot.top + groups.size * rowHeight;
  const rows = [...groups].map(([name, own], row) => {
    const top = plot.top + row * rowHeight;
    const label = text(plot.left - 8, top + plot.bar + 4, name, "end");
    return [label, ...own.map((cell, place) => barOf(cell, top + place * (plot.bar + 2), x))].join("\n");
  });
  const ticks = Array.from({ length: Math.round(decades) + 1 }, (_, decade) => {
    const at = x(least * 10 ** decade);
    return `<line x1="${at}" y1="${plot.top - 6}" x2="${at}" y2="${bottom}" stroke="#d5d9e0"/>\n${text(at, bottom + 16, `${least * 10 ** decade} ms`, "middle")}`;
  });
  const width = plot.left + plot.width + plot.right;
  const keys = Object.entries(colours).map(
    ([way, colour], place) =>
      `<rect x="${plot.left + place * 110}" y="34" width="12" height="12" fill="${colour}"/>\n${text(plot.left + 18 + place * 110, 44, way, "start")}`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 30}" font-family="sans-serif" font-size="12" fill="#1c2430">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(16, 22, `Nearest passages: p50 (bar) and p95 (whisker), recall at the end. ${server}`, "start")}
${[...keys, ...ticks, ...rows].join("\n")}
</svg>
`;
}

function barOf({ way, p50Ms, p95Ms, recall }: VectorCell, top: number, x: (ms: number) => number): string {
  const middle = top + plot.bar / 2;
  const whisker = `<line x1="${x(p50Ms).toFixed(1)}" y1="${middle}" x2="${x(p95Ms).toFixed(1)}" y2="${middle}" stroke="#1c2430"/>`;
  const bar = `<rect x="${plot.left}" y="${top}" width="${(x(p50Ms) - plot.left).toFixed(1)}" height="${plot.bar}" fill="${colours[way]}"/>`;
  return `${bar}\n${whisker}\n${text(x(p95Ms) + 6, top + plot.bar - 1, recall.toFixed(3), "start")}`;
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
