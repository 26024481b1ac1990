import type { Reason } from "@quartet/errors";
import type { Degradation } from "./outcome.ts";

/** Why something was left out, as the second half of a sentence that also says what to do. */
const advice: Partial<Record<Reason, string>> = {
  OUT_OF_TIME: "there was not enough time; give the call a longer deadline",
  CIRCUIT_OPEN: "the service failed repeatedly and is left alone to recover; try again shortly",
  OVERLOADED: "the service is at its limit; try again shortly",
  DRAINING: "the service was being restarted; try again shortly",
  UPSTREAM_LOST: "the connection to the service broke; try again shortly",
  LLM_RATE_LIMIT: "every provider key is at its rate limit; try again shortly",
  LLM_QUOTA: "every provider key is out of quota; the operator must raise it or add a key",
  LLM_AUTH: "the provider refused every key; the operator must set a valid one",
  LLM_UNAVAILABLE: "the model provider does not answer; try again shortly",
  LLM_PROTOCOL: "the model provider gave an answer that breaks its protocol; the operator should check the base URL",
  EMBED_SHAPE: "the model gave vectors of the wrong shape; the operator should check the model's configuration",
  EMBEDDING_SPACE_MISMATCH:
    "the stored vectors are of an embedder that is not configured now; configure it again, or wait until the new vectors are built",
};

const because = (reason: string): string =>
  advice[reason as Reason] ?? "the service answered with an error; the operator finds it in the log by the request ID";

/** The question has no vector. */
export const withoutQueryVector = (reason: Reason): Degradation => ({
  hop: "embedding",
  reason,
  source: "",
  message: `Keywords alone were searched, because the question could not be embedded: ${because(reason)}.`,
});

/** Compression did not answer. */
export const cutPlainly = (reason: Reason): Degradation => ({
  hop: "compression",
  reason: "PLAIN_CUT",
  source: "",
  message: `The passages were cut at the limit instead of by the question: ${because(reason)}.`,
});

/** RAG_DISABLED is set. */
export const retrievalDisabled: Degradation = {
  hop: "retrieval",
  reason: "RETRIEVAL_DISABLED",
  source: "",
  message: "The answer rests on no document, because the operator has switched retrieval off with RAG_DISABLED.",
};

/** A put was acknowledged, but not all of it can be searched yet. */
export const notSearchableYet = (hop: "embedding" | "retrieval", reason: Reason): Degradation => ({
  hop,
  reason,
  source: "",
  message:
    hop === "embedding"
      ? `The documents are stored, and keywords find them; their vectors follow in the background: ${because(reason)}.`
      : `The documents are stored, but the keyword index does not show them yet: ${because(reason)}.`,
});
