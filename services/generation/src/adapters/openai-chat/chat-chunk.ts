import { ProtocolError, readUsage, type ReportedUsage } from "@quartet/provider";
import type { FinishReason } from "../../domain/answerer.ts";

/** What one event of a chat completion stream says, of what is used here. */
export interface ChatChunk {
  /** More text, that of a refusal too; empty when there is none. */
  readonly text: string;
  /** Whether the model refuses in it. */
  readonly refuses: boolean;
  readonly finishReason?: FinishReason;
  readonly usage?: ReportedUsage;
}

/** By what providers call it; several servers with the OpenAI protocol have names of their own. */
const finishReasons: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  eos: "stop",
  eos_token: "stop",
  end_turn: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  content_filter: "content-filter",
  refusal: "refusal",
};

/**
 * Reads one event. Fields that are missing say nothing; fields of the wrong kind break the protocol.
 *
 * @throws {ProtocolError}
 */
export function readChatChunk(event: unknown): ChatChunk {
  const { choices, usage } = fields(event, "event");
  const told = readUsage(usage);
  const reported = told === undefined ? {} : { usage: told };
  if (choices !== undefined && choices !== null && !Array.isArray(choices)) throw new ProtocolError("choices: no list");
  const choice: unknown = choices?.[0];
  if (choice === undefined) return { text: "", refuses: false, ...reported };
  const { delta, finish_reason: reason } = fields(choice, "choice");
  const { content, refusal } = delta === undefined || delta === null ? {} : fields(delta, "delta");
  const refusing = textOf(refusal, "refusal");
  return {
    text: textOf(content, "content") + refusing,
    refuses: refusing !== "",
    ...(reason === undefined || reason === null || reason === "" ? {} : { finishReason: finishReasonOf(reason) }),
    ...reported,
  };
}

function finishReasonOf(reason: unknown): FinishReason {
  if (typeof reason === "string" && Object.hasOwn(finishReasons, reason)) return finishReasons[reason]!;
  throw new ProtocolError("finish_reason: not known");
}

function textOf(value: unknown, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new ProtocolError(`${name}: no text`);
  return value;
}

function fields(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ProtocolError(`${name}: no object`);
  return value as Record<string, unknown>;
}
