/** The part of what `quartet eval --json` prints that is drawn. */
export interface QualityRun {
  readonly dataset: string;
  readonly reranker: string | null;
  readonly legs: Readonly<Record<"keyword" | "vector" | "hybrid", { readonly ndcg_at_10: number }>>;
}

/** What each set is to reach, and to aim at. */
export const wanted: Readonly<Record<string, { readonly target: number; readonly aim: number }>> = {
  cranfield: { target: 0.47, aim: 0.5 },
  "squad2-dev": { target: 0.905, aim: 0.92 },
  "autorag-ko": { target: 0.93, aim: 0.94 },
};

interface Bar {
  readonly name: string;
  readonly value: number;
  readonly colour: string;
}

const plot = { left: 250, width: 560, right: 80, top: 62, bar: 14, gap: 4, group: 26 };
const colours = { keyword: "#8a94a6", vector: "#b9a06a", hybrid: "#7fa8ea", reranked: "#2f6fde" };

/** A group of bars for each set: the legs, both together, and both reranked; lines at its target (whole) and its aim (dashed). */
export function toQualitySvg(runs: readonly QualityRun[]): string {
  const sets = Map.groupBy(runs, ({ dataset }) => dataset);
  const x = (value: number) => plot.left + value * plot.width;
  let top = plot.top;
  const groups = [...sets].map(([name, own]) => {
    const bars = barsOf(own);
    const start = top;
    top += bars.length * (plot.bar + plot.gap) + plot.group;
    const rows = bars.map(({ name: label, value, colour }, place) => {
      const y = start + place * (plot.bar + plot.gap);
      const rect = `<rect x="${plot.left}" y="${y}" width="${(value * plot.width).toFixed(1)}" height="${plot.bar}" fill="${colour}"/>`;
      const prefix = place === 0 ? `${name}: ` : "";
      return `${text(plot.left - 8, y + 11, prefix + label, "end")}\n${rect}\n${text(plot.left + plot.width + 8, y + 11, value.toFixed(4).slice(1), "start")}`;
    });
    const marks = Object.entries(wanted[name] ?? {}).map(([kind, value]) => {
      const at = x(value).toFixed(1);
      const dashes = kind === "aim" ? ' stroke-dasharray="3 3"' : "";
      return `<line x1="${at}" y1="${start - 4}" x2="${at}" y2="${top - plot.group + 2}" stroke="#c2332b"${dashes}/>`;
    });
    return [...rows, ...marks].join("\n");
  });
  const width = plot.left + plot.width + plot.right;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" font-family="sans-serif" font-size="12" fill="#1c2430">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(16, 22, "nDCG@10 on three judged sets; the line is the target, the dashed one the aim", "start")}
${groups.join("\n")}
</svg>
`;
}

function barsOf(runs: readonly QualityRun[]): readonly Bar[] {
  const plain = runs.find(({ reranker }) => reranker === "none");
  const reranked = runs.filter(({ reranker }) => reranker !== "none");
  const { legs } = plain ?? runs[0]!;
  return [
    { name: "keywords", value: legs.keyword.ndcg_at_10, colour: colours.keyword },
    { name: "vectors", value: legs.vector.ndcg_at_10, colour: colours.vector },
    ...(plain === undefined ? [] : [{ name: "both", value: plain.legs.hybrid.ndcg_at_10, colour: colours.hybrid }]),
    ...reranked.map((run) => ({
      name: `both, reranker ${run.reranker ?? "as configured"}`,
      value: run.legs.hybrid.ndcg_at_10,
      colour: colours.reranked,
    })),
  ];
}

function text(x: number, y: number, content: string, anchor: "start" | "end"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}
