import type { Terminal } from "../adapters/terminal.ts";
import { budgets, type CompressionReport } from "./compression.ts";
import type { Leg, LegReport } from "./legs.ts";
import type { QuantisationReport } from "./quantisation.ts";
import type { RefusalShare } from "./refusal.ts";

/** What `quartet eval --json` prints. A part that was not asked for, or cannot be measured here, is null. */
export interface EvaluationReport {
  /** The data set's folder. */
  readonly dataset: string;
  /** Judged queries that were asked. */
  readonly queries: number;
  /** Documents that were indexed. */
  readonly documents: number;
  /** Calls under way at once. */
  readonly concurrency: number;
  /** What vectors were compared in. */
  readonly space: { readonly model: string; readonly kind: "semantic" | "hashed"; readonly dimensions: number } | null;
  /** As --rerank said; null where the environment or the server decides. */
  readonly reranker: string | null;
  /** As --source said; empty where the server decides. */
  readonly sources: readonly string[];
  readonly legs: Readonly<Record<Leg, LegReport>> | null;
  readonly compression: CompressionReport | null;
  readonly refusal: {
    /** Judged queries: refusing one is a loss. */
    readonly answerable: RefusalShare | null;
    /** Queries the set itself says have no answer in its corpus. */
    readonly unanswerable: RefusalShare | null;
    /** Queries of --refusal-queries. */
    readonly foreign: RefusalShare | null;
  } | null;
  readonly quantisation: QuantisationReport | null;
}

/** Prints a report for people. */
export function showReport(terminal: Terminal, report: EvaluationReport): void {
  const { dataset, queries, documents, space, concurrency } = report;
  const vectors = space ? `${space.model || "no model"}, ${space.kind}, ${space.dimensions} dimensions` : "no vectors";
  terminal.line(`${terminal.bold(dataset)}: ${queries} judged queries, ${documents} documents (${vectors})`);
  if (report.legs) showLegs(terminal, report.legs, concurrency);
  if (report.compression) showCompression(terminal, report.compression);
  if (report.refusal) {
    terminal.line();
    terminal.line("Refused, as not answered by the documents:");
    showRefusals(terminal, "answerable questions", report.refusal.answerable);
    showRefusals(terminal, "unanswerable questions", report.refusal.unanswerable);
    showRefusals(terminal, "another set's questions", report.refusal.foreign);
  }
  if (report.quantisation) showQuantisation(terminal, report.quantisation);
}

function showLegs(terminal: Terminal, legs: Readonly<Record<Leg, LegReport>>, concurrency: number): void {
  terminal.line();
  terminal.line(row("leg", ["nDCG@10", "Recall@10", "MRR@10", "p50 ms", "p95 ms"]));
  for (const [leg, report] of Object.entries(legs)) {
    const { ndcg_at_10, recall_at_10, mrr_at_10, p50_ms, p95_ms } = report;
    const quality = [ndcg_at_10, recall_at_10, mrr_at_10].map((value) => value.toFixed(4));
    terminal.line(row(leg, [...quality, p50_ms.toFixed(1), p95_ms.toFixed(1)]));
  }
  terminal.line(terminal.dim(`Times are of searches with ${concurrency} under way at once.`));
  for (const [leg, { degraded }] of Object.entries(legs)) {
    if (degraded > 0) terminal.problem(`${leg}: ${degraded} searches were incomplete; see \`quartet doctor\`.`);
  }
}

function showCompression(terminal: Terminal, { questions, kept }: CompressionReport): void {
  terminal.line();
  terminal.line(`Answers that compression keeps, of ${questions} in the first ten passages:`);
  terminal.line(row("characters", budgets.map(String)));
  for (const [strategy, shares] of Object.entries(kept)) {
    terminal.line(
      row(
        strategy.replace("_", " "),
        budgets.map((budget) => percent(shares[budget] ?? 0)),
      ),
    );
  }
}

function showRefusals(terminal: Terminal, name: string, refusals: RefusalShare | null): void {
  if (!refusals) return;
  const { asked, refused, share } = refusals;
  terminal.line(`  ${name.padEnd(24)} ${percent(share).padStart(7)}  (${refused} of ${asked})`);
}

function showQuantisation(terminal: Terminal, report: QuantisationReport): void {
  const { passages, queries, recall_at_10, float32_bytes, int8_bytes } = report;
  terminal.line();
  terminal.line(`A byte a component, ${passages} passages and ${queries} questions compared with exact float32:`);
  terminal.line(`  ${"recall@10".padEnd(24)} ${recall_at_10.toFixed(4).padStart(10)}`);
  terminal.line(`  ${"bytes of the vectors".padEnd(24)} ${`${int8_bytes} instead of ${float32_bytes}`}`);
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const row = (name: string, cells: readonly string[]): string =>
  name.padEnd(12) + cells.map((cell) => cell.padStart(10)).join("");
