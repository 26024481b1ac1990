import { failureOf, type ProviderFailure, ReplyTooLongError } from "@quartet/provider";
import { EmbedderError } from "../../domain/embedder-error.ts";

/**
 * What an error of the key pool or the provider means; anything else, such as an abort, stays as it is. Nothing of what the provider said goes
 * along: it quotes keys and texts.
 */
export function toEmbedderError(error: unknown): unknown {
  if (isTimeout(error))
    return new EmbedderError("LLM_UNAVAILABLE", "The embedding model did not answer in time; try again.");
  const failure = failureOf(error);
  return failure === undefined ? error : embedderErrorOf(failure, error);
}

function embedderErrorOf({ kind, status, retryDelayMs }: ProviderFailure, cause: unknown): EmbedderError {
  switch (kind) {
    case "rate-limit":
      return new EmbedderError(
        "LLM_RATE_LIMIT",
        "Every key of the embedding model is at its rate limit; try again later.",
        { cause, retryDelayMs },
      );
    case "quota":
      return new EmbedderError(
        "LLM_QUOTA",
        "Every key of the embedding model is out of quota; add credit, or another key as OPENAI_API_KEY_n.",
        { cause },
      );
    case "auth":
      return new EmbedderError(
        "LLM_AUTH",
        "The model provider refused every key; check OPENAI_API_KEY and OPENAI_BASE_URL.",
        { cause },
      );
    case "unavailable":
    case "truncated":
      return new EmbedderError(
        "LLM_UNAVAILABLE",
        "The embedding model cannot be reached or fails; try again, and check OPENAI_BASE_URL if it stays so.",
        { cause, retryDelayMs },
      );
    case "protocol": {
      const what = cause instanceof ReplyTooLongError ? "a reply without end" : "something that is no JSON";
      return new EmbedderError(
        "LLM_PROTOCOL",
        `The model endpoint answers with ${what}; check that OPENAI_BASE_URL leads to an OpenAI-compatible API.`,
        { cause },
      );
    }
    case "rejected":
      return new EmbedderError(
        "LLM_UNAVAILABLE",
        `The embedding model refuses what it is sent (HTTP ${status}); check OPENAI_BASE_URL, QUARTET_EMBEDDING_MODEL, QUARTET_EMBEDDING_DIMENSIONS and QUARTET_EMBEDDING_MAX_CHARACTERS, or set QUARTET_EMBEDDER=hashed if the provider has no embeddings.`,
        { cause, refusesTexts: status !== undefined && aboutTexts.has(status) },
      );
  }
}

/** What a provider says to a text that it does not take, or to too much text at once: others may pass without it. */
const aboutTexts: ReadonlySet<number> = new Set([400, 413, 422]);

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === "TimeoutError";
