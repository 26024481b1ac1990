import { numberCitations, selectCitations, type Citation } from "./citations.ts";
import { cutPlainly, retrievalDisabled } from "./degradations.ts";
import { addUsage, type Degradation, type StageTiming, type Timings, type Usage } from "./outcome.ts";
import { cutPassagesPlainly } from "./plain-cut.ts";
import type { AnswerPorts, Carried, GenerationEvent, SearchResult } from "./ports.ts";
import { Refusal } from "./refusal.ts";
import { retrieve, type Retrieval } from "./retrieve.ts";
import { type Call, optionalStage, startStage, timingsOf, type Run } from "./stages.ts";

export interface Question<C extends Carried> {
  /** Undefined: retrieval is switched off. */
  readonly retrieval: Retrieval<C> | undefined;
  readonly question: string;
  readonly maxContextCharCount: number;
  readonly compression: C["strategy"];
  /** The parts of the answer to write at once; none: one text. */
  readonly sections: readonly C["sectionSpec"][];
  readonly modelOptions: C["modelOptions"];
}

export interface Answer<C extends Carried> {
  /** Empty where sections were asked for. */
  readonly text: string;
  /** In the order they were asked for. */
  readonly sections: readonly C["section"][];
  readonly citations: readonly Citation[];
  readonly degradations: readonly Degradation[];
  readonly finishReason: C["finishReason"];
  readonly answerer: C["answerer"];
  readonly usage: Usage | undefined;
  readonly timings: Timings;
  readonly legs: readonly C["leg"][];
  readonly sources: readonly C["source"][];
}

/** `stage` at any time; `citation` only before the first text; one `section` for each that was asked for; `answer` once, last. */
export type AnswerEvent<C extends Carried> =
  | { readonly type: "stage"; readonly timing: StageTiming }
  | { readonly type: "citation"; readonly citation: Citation }
  | Written<C>
  | { readonly type: "answer"; readonly answer: Answer<C> };

/** What goes from generation to the reader as it comes. */
type Written<C extends Carried> = Extract<GenerationEvent<C>, { type: "text" | "section" }>;

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
  const { text, sections, end, firstTokenMs } = yield* generate(question, shown, { run, ports, call: timer.require() });
  timer.end(end.degradations.length > 0 ? "DEGRADED" : "OK");
  run.degradations.push(...end.degradations);
  run.usage = addUsage(run.usage, end.usage);
  yield* news();
  yield {
    type: "answer",
    answer: {
      text,
      sections,
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

interface Generated<C extends Carried> {
  readonly text: string;
  readonly sections: readonly C["section"][];
  readonly end: Extract<GenerationEvent<C>, { type: "end" }>;
  readonly firstTokenMs: number | undefined;
}

/** Hands on what is written as it comes, and gives all of it. */
async function* generate<C extends Carried>(
  { question, retrieval, sections: specs, modelOptions }: Question<C>,
  passages: readonly C["passage"][],
  { run, ports, call }: { readonly run: Run; readonly ports: AnswerPorts<C>; readonly call: Call },
): AsyncGenerator<Written<C>, Generated<C>, undefined> {
  const written = new Map<string, C["section"]>();
  let text = "";
  let firstTokenMs: number | undefined;
  const request = { question, passages, sections: specs, modelOptions, retrievalDisabled: retrieval === undefined };
  for await (const event of ports.generate(request, call)) {
    if (event.type === "end") {
      const sections = specs.map(({ name }) => written.get(name)).filter((section) => section !== undefined);
      if (sections.length < specs.length) break;
      return { text, sections, end: event, firstTokenMs };
    }
    if (event.type === "section") {
      written.set(event.section.name, event.section);
    } else {
      firstTokenMs ??= run.budget.elapsedMs();
      if (event.section === "") text += event.text;
    }
    yield event;
  }
  throw new Refusal("STREAM_TRUNCATED", "The answer broke off before its end. Ask again.");
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
