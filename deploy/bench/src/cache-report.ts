import type { ReplayResult } from "./measure-cache.ts";

export interface CacheReport {
  readonly stores: string;
  readonly replays: readonly ReplayResult[];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const ms = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(1));

/** A table as Markdown. */
export function toCacheTable({ replays }: CacheReport): string {
  const rows = replays.map(({ name, questionCount, changes, hitRate, hotHitRate, hitMs, missMs }) => [
    ...[name, String(questionCount), String(changes), percent(hitRate), percent(hotHitRate)],
    ...[`${ms(hitMs.p50)} / ${ms(hitMs.p95)}`, `${ms(missMs.p50)} / ${ms(missMs.p95)}`],
  ]);
  const heads = ["replay", "questions", "changes", "hits", "of the hot 100", "hit p50 / p95 ms", "miss p50 / p95 ms"];
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const width = 640;
const height = 300;
const left = 50;
const top = 20;
const plotWidth = width - left - 20;
const plotHeight = height - top - 80;
const colours = ["#1f6feb", "#d1570b", "#1a7f37", "#8250df"];

/** Hits thousand by thousand, a line for each replay. */
export function toCacheSvg({ stores, replays }: CacheReport): string {
  const x = (index: number, count: number) => left + (plotWidth * index) / Math.max(1, count - 1);
  const y = (share: number) => top + plotHeight * (1 - share);
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (share) =>
      `<line x1="${left}" x2="${left + plotWidth}" y1="${y(share)}" y2="${y(share)}" stroke="#d0d7de"/>` +
      `<text x="${left - 6}" y="${y(share) + 4}" text-anchor="end">${100 * share} %</text>`,
  );
  const lines = replays.map(({ name, course }, index) => {
    const points = course.map((share, at) => `${x(at, course.length).toFixed(1)},${y(share).toFixed(1)}`).join(" ");
    const legendY = top + plotHeight + 36 + 14 * index;
    const colour = colours[index % colours.length];
    return (
      `<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"/>` +
      `<rect x="${left}" y="${legendY - 8}" width="10" height="10" fill="${colour}"/>` +
      `<text x="${left + 16}" y="${legendY + 1}">${name}</text>`
    );
  });
  const title = `Share of hits in each thousand draws, ${stores}`;
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" fill="#1f2328">` +
    `<title>${title}</title><rect width="${width}" height="${height}" fill="#ffffff"/>${grid.join("")}` +
    `<text x="${left}" y="${top + plotHeight + 18}">draws, in thousands, from the left</text>${lines.join("")}</svg>\n`
  );
}
