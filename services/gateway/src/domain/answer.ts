import { numberCitations, selectCitations, type Citation } from "./citations.ts";
import { cutPlainly, retrievalDisabled } from "./degradations.ts";
import { addUsage, type Degradation, type StageTiming, type Timings, type Usage } from "./outcome.ts";
import { cutPassagesPlainly } from "./plain-cut.ts";
import type { AnswerPorts, Carried, GenerationEvent, SearchResult } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { retrieve, type Retrieval } from "./retrieve.ts";
import { optionalStage, startStage, timingsOf, type Run } from "./stages.ts";

export interface Question<C extends Carried> {
  /** Undefined: retrieval is switched off. */
  readonly retrieval: Retrieval<C> | undefined;
  readonly question: string;
  readonly maxContextCharCount: number;
  readonly compression: C["strategy"];
}

export interface Answer<C extends Carried> {
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly degradations: readonly Degradation[];
  readonly finishReason: C["finishReason"];
  readonly answerer: C["answerer"];
  readonly usage: Usage | undefined;
  readonly timings: Timings;
  readonly legs: readonly C["leg"][];
  readonly sources: readonly C["source"][];
}

/** `stage` at any time; `citation` only before the first text; `answer` once, last. */
export type AnswerEvent<C extends Carried> =
  | { readonly type: "stage"; readonly timing: StageTiming }
  | { readonly type: "citation"; readonly citation: Citation }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "answer"; readonly answer: Answer<C> };

const nothingFound: SearchResult<never> = {
  passages: [],
  failures: [],
  legs: [],
  sources: [],
  collections: [],
  cached: false,
  nextPageToken: "",
};

/**
 * One answer, step by step: embed, search, compress, generate. Embedding and compression may be missing, which is said in the
 * answer; without a search or a generation there is none. Without passages generation is still asked: it says that the documents
 * hold no answer.
 *
 * @throws {Refusal} OUT_OF_TIME, STREAM_TRUNCATED; else what search or generation fails with.
 */
export async function* answerQuestion<C extends Carried>(
  question: Question<C>,
  run: Run,
  ports: AnswerPorts<C>,
): AsyncGenerator<AnswerEvent<C>, void, undefined> {
  let told = 0;
  function* news(): Generator<AnswerEvent<C>> {
    for (; told < run.stages.length; told += 1) yield { type: "stage", timing: run.stages[told]! };
  }

  if (question.retrieval === undefined) run.degradations.push(retrievalDisabled);
  const found = question.retrieval ? await retrieve(question.retrieval, run, ports) : nothingFound;
  yield* news();
  const shown = await compress(question, found.passages, run, ports);
  yield* news();
  const possible = numberCitations(shown, found.passages);
  for (const citation of possible) yield { type: "citation", citation };

  const timer = startStage(run, "generate");
  let text = "";
  let firstTokenMs: number | undefined;
  let end: Extract<GenerationEvent<C>, { type: "end" }> | undefined;
  const request = {
    question: question.question,
    passages: shown,
    retrievalDisabled: question.retrieval === undefined,
  };
  for await (const event of ports.generate(request, timer.require())) {
    if (event.type === "end") {
      end = event;
      break;
    }
    firstTokenMs ??= run.budget.elapsedMs();
    text += event.text;
    yield event;
  }
  if (end === undefined) throw new Refusal("STREAM_TRUNCATED", "The answer broke off before its end. Ask again.");
  timer.end(end.degradations.length > 0 ? "DEGRADED" : "OK");
  run.degradations.push(...end.degradations);
  run.usage = addUsage(run.usage, end.usage);
  yield* news();
  yield {
    type: "answer",
    answer: {
      text,
      citations: selectCitations(possible, end.citations),
      degradations: run.degradations,
      finishReason: end.finishReason,
      answerer: end.answerer,
      usage: run.usage,
      timings: timingsOf(run, firstTokenMs),
      legs: found.legs,
      sources: found.sources,
    },
  };
}

/** The passages as generation sees them: cut by the question, or plainly where compression does not answer. */
async function compress<C extends Carried>(
  { question, maxContextCharCount, compression }: Question<C>,
  passages: readonly C["passage"][],
  run: Run,
  ports: AnswerPorts<C>,
): Promise<readonly C["passage"][]> {
  if (passages.length === 0) return [];
  const request = { question, passages, maxCharCount: maxContextCharCount, strategy: compression };
  const compressed = await optionalStage(run, "compress", cutPlainly, (call) => ports.compress(request, call));
  return compressed ?? cutPassagesPlainly(passages, maxContextCharCount, ports.shorten);
}
