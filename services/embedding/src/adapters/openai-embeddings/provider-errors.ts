import { httpVerdict, restMsOf, NoKeyAvailableError, type KeyVerdict, type NoKeyReason } from "@quartet/key-pool";
import { APIConnectionError, APIError } from "openai";
import { EmbedderError } from "../../domain/embedder-error.ts";

/** The reply broke off, or was longer than any reply may be. */
export class BrokenReplyError extends Error {
  override readonly name = "BrokenReplyError";
  readonly tooLong: boolean;

  constructor(cause: unknown) {
    super("the provider's reply broke off", { cause });
    this.tooLong = causes(cause).some((each) => (each as { code?: unknown }).code === "UND_ERR_RES_EXCEEDED_MAX_SIZE");
  }
}

/** What a failed attempt says about its key: whether another attempt makes sense, and with which. */
export function classify(error: unknown): KeyVerdict {
  if (error instanceof APIConnectionError) return { kind: "server" };
  if (error instanceof BrokenReplyError) return { kind: error.tooLong ? "other" : "server" };
  return httpVerdict(error);
}

const noKey: Readonly<Record<NoKeyReason, { reason: "LLM_RATE_LIMIT" | "LLM_QUOTA" | "LLM_AUTH"; message: string }>> = {
  resting: {
    reason: "LLM_RATE_LIMIT",
    message: "Every key of the embedding model is at its rate limit; try again later.",
  },
  "out-of-quota": {
    reason: "LLM_QUOTA",
    message: "Every key of the embedding model is out of quota; add credit, or another key as OPENAI_API_KEY_n.",
  },
  refused: {
    reason: "LLM_AUTH",
    message: "The model provider refused every key; check OPENAI_API_KEY and OPENAI_BASE_URL.",
  },
};

/**
 * What an error of the key pool, the SDK or the connection means; anything else, such as an abort, stays as it is.
 * Nothing of what the provider said goes along, not even as the cause: it quotes keys and texts.
 */
export function toEmbedderError(error: unknown): unknown {
  if (error instanceof NoKeyAvailableError) {
    const { reason, message } = noKey[error.kind];
    return new EmbedderError(reason, message, { retryDelayMs: error.retryAfterMs });
  }
  if (isTimeout(error)) return unavailable("The embedding model did not answer in time; try again.");
  if (error instanceof SyntaxError) return protocol("invalid JSON");
  if (error instanceof BrokenReplyError) return error.tooLong ? protocol("a reply without end") : unavailable(BROKEN);
  if (!(error instanceof APIError)) return error;
  const { status, headers } = error as APIError;
  const cause = new Error(status === undefined ? codesOf(error) : `HTTP ${status}`);
  if (status === 401 || status === 403) {
    const { reason, message } = noKey.refused;
    return new EmbedderError(reason, message, { cause });
  }
  // The pool's own verdict, but where the provider asked for no rest at all.
  if (status === 429) {
    const { reason, message } = noKey.resting;
    return new EmbedderError(reason, message, { cause, retryDelayMs: headers && restMsOf(headers) });
  }
  if (status === undefined || status >= 500 || status === 408) return unavailable(BROKEN, cause);
  const message = `The embedding model refuses what it is sent (HTTP ${status}); check OPENAI_BASE_URL, QUARTET_EMBEDDING_MODEL, QUARTET_EMBEDDING_DIMENSIONS and QUARTET_EMBEDDING_MAX_CHARACTERS, or set QUARTET_EMBEDDER=hashed if the provider has no embeddings.`;
  return new EmbedderError("LLM_UNAVAILABLE", message, { cause, refusesTexts: aboutTexts.has(status) });
}

/** What a provider says to a text that it does not take, or to too much text at once: others may pass without it. */
const aboutTexts: ReadonlySet<number> = new Set([400, 413, 422]);

const BROKEN = "The embedding model cannot be reached or fails; try again, and check OPENAI_BASE_URL if it stays so.";

const unavailable = (message: string, cause?: Error) => new EmbedderError("LLM_UNAVAILABLE", message, { cause });

const protocol = (what: string) =>
  new EmbedderError(
    "LLM_PROTOCOL",
    `The model endpoint answers with ${what}; check that OPENAI_BASE_URL leads to an OpenAI-compatible API.`,
  );

const isTimeout = (error: unknown) => error instanceof DOMException && error.name === "TimeoutError";

/** An error and what caused it, from the outside in; not for ever, as an error may be its own cause. */
function causes(error: unknown): Error[] {
  const found: Error[] = [];
  for (let each = error; each instanceof Error && found.length < 8; each = each.cause) found.push(each);
  return found;
}

/** What the system calls it, such as ECONNREFUSED; never an address. */
function codesOf(error: unknown): string {
  const codes = causes(error).map((each) => (each as { code?: unknown }).code);
  return `connection failed: ${codes.filter((code) => typeof code === "string" && /^[A-Z_]{3,40}$/.test(code)).join(", ")}`;
}
