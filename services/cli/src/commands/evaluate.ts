import path from "node:path";
import { type EmbeddingSpace, EmbeddingSpaceKind } from "@quartet/client";
import type { Progress } from "../adapters/terminal.ts";
import { corpusOf, readDataSet, readQueries } from "../adapters/read-data-set.ts";
import type { Context } from "../context.ts";
import { type DataSet, judgedQueries, type Query, unanswerableQueries } from "../domain/data-set.ts";
import { measureCompression, type Strategy, strategyNames } from "../evaluation/compression.ts";
import { type Leg, type LegReport, legs, measureLeg } from "../evaluation/legs.ts";
import { type EvaluationPart, standardParts } from "../evaluation/parts.ts";
import { type CorpusOptions, type Prepared, withCorpus } from "../evaluation/prepare.ts";
import { measureQuantisation } from "../evaluation/quantisation.ts";
import { measureRefusal } from "../evaluation/refusal.ts";
import { type EvaluationReport, showReport } from "../evaluation/report.ts";
import type { Subject } from "../evaluation/subject.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";

export interface EvaluateOptions extends CorpusOptions {
  /** Only the first so many judged queries, and as many unanswerable and foreign ones. */
  readonly limit?: number;
  /** Questions of another data set, which this corpus cannot answer. */
  readonly refusalQueries?: string;
  readonly only?: readonly EvaluationPart[];
  /** Rules of compression to measure; all if undefined. */
  readonly strategy?: readonly Strategy[];
}

/** The questions of one evaluation. */
interface Questions {
  readonly judged: readonly Query[];
  readonly unanswerable: readonly Query[];
  readonly foreign: readonly Query[];
}

/** `quartet eval DIR` */
export async function evaluate(context: Context, options: EvaluateOptions, [folder = ""]: string[]): Promise<ExitCode> {
  const { terminal, signal, json, workingDirectory } = context;
  const home = path.resolve(workingDirectory, folder);
  const dataSet = await readDataSet(home, signal);
  const limit = options.limit ?? Infinity;
  const foreignFile = options.refusalQueries && path.resolve(workingDirectory, options.refusalQueries);
  const questions: Questions = {
    judged: judgedQueries(dataSet, limit),
    unanswerable: unanswerableQueries(dataSet, limit),
    foreign: foreignFile ? (await readQueries(foreignFile, signal)).slice(0, limit) : [],
  };
  if (questions.judged.length === 0)
    throw new Error(`${folder} has no judged queries: qrels.tsv names none of queries.jsonl.`);
  const { only: parts = standardParts } = options;
  const only = options.quantisation ? [...new Set([...parts, "quantisation" as const])] : parts;
  const corpusOptions = { ...options, quantisation: only.includes("quantisation") };
  const report = await withCorpus(context, await corpusOf(home), corpusOptions, (prepared) =>
    measure(context, prepared, { dataSet, questions, only, options }),
  );
  if (json) terminal.json(report);
  else showReport(terminal, report);
  return exitCodes.ok;
}

interface Measurement {
  readonly dataSet: DataSet;
  readonly questions: Questions;
  readonly only: readonly EvaluationPart[];
  readonly options: EvaluateOptions;
}

async function measure(
  context: Context,
  prepared: Prepared,
  { dataSet, questions, only, options }: Measurement,
): Promise<EvaluationReport> {
  const { judged, unanswerable, foreign } = questions;
  const bar = context.terminal.progress("Measuring");
  const subject: Subject = { ...prepared.subject, onQuestion: counter(bar, stepsOf(questions, only)) };
  const { space } = prepared;
  try {
    const asks = only.includes("refusal");
    return {
      dataset: dataSet.name,
      queries: judged.length,
      documents: prepared.documents,
      concurrency: subject.concurrency,
      space: space ? { model: space.model, kind: kindOf(space), dimensions: space.dimensions } : null,
      reranker: options.rerank ?? null,
      sources: options.source,
      legs: only.includes("legs") ? await measureLegs(subject, dataSet, judged) : null,
      compression:
        (only.includes("compression") &&
          (await measureCompression(subject, dataSet, judged, options.strategy ?? strategyNames))) ||
        null,
      refusal: asks
        ? {
            answerable: (await measureRefusal(subject, judged)) ?? null,
            unanswerable: (await measureRefusal(subject, unanswerable)) ?? null,
            foreign: (await measureRefusal(subject, foreign)) ?? null,
          }
        : null,
      quantisation: (only.includes("quantisation") && (await measureQuantisation(subject, judged))) || null,
    };
  } finally {
    bar.end();
  }
}

const kindOf = ({ kind }: EmbeddingSpace) => (kind === EmbeddingSpaceKind.SEMANTIC ? "semantic" : "hashed");

async function measureLegs(subject: Subject, dataSet: DataSet, queries: readonly Query[]) {
  const reports: Partial<Record<Leg, LegReport>> = {};
  for (const leg of Object.keys(legs) as Leg[]) reports[leg] = await measureLeg(subject, dataSet, queries, leg);
  return reports as Record<Leg, LegReport>;
}

function stepsOf({ judged, unanswerable, foreign }: Questions, only: readonly EvaluationPart[]): number {
  const steps: Record<EvaluationPart, number> = {
    legs: Object.keys(legs).length * judged.length,
    compression: judged.length,
    refusal: judged.length + unanswerable.length + foreign.length,
    quantisation: judged.length,
  };
  return only.reduce((sum, part) => sum + steps[part], 0);
}

function counter(bar: Progress, total: number): () => void {
  let done = 0;
  return () => {
    done++;
    bar.update(done / total, `${done} of ${total}`);
  };
}
