import { create, type JsonObject, type JsonValue, type MessageInitShape } from "@bufbuild/protobuf";
import { type AnswerQuestionRequest, AnswerQuestionRequestSchema } from "@quartet/contracts/gateway/v1/answer_service";
import { type ModelOptions, ModelOptionsSchema } from "@quartet/contracts/type/v1/answer";
import { SearchOptionsSchema } from "@quartet/contracts/type/v1/search";
import { fieldInvalid } from "@quartet/errors";
import { isAbsent, isObject, readMessage } from "./json.ts";

/** The model that answers from the documents; `quartet/` and the name of a source answers from that source alone. */
export const OWN_MODEL = "quartet";

/** What the body of POST /v1/chat/completions says of what it is about. */
export interface ChatRequest {
  readonly model: string;
  readonly streamed: boolean;
  readonly fields: JsonObject;
}

/** A chat that is a question to the documents. */
export interface QuestionInChat {
  readonly model: string;
  readonly streamed: boolean;
  /** Whether a stream tells its usage in an event of its own. */
  readonly wantsUsage: boolean;
  readonly request: AnswerQuestionRequest;
}

/** @throws {ConnectError} INVALID_ARGUMENT without a model's name */
export function readChatRequest(fields: JsonObject): ChatRequest {
  const { model, stream } = fields;
  if (typeof model !== "string" || model === "") throw fieldInvalid("model", "must be the name of a model");
  return { model, streamed: stream === true, fields };
}

export const isOwnModel = ({ model }: ChatRequest): boolean => model === OWN_MODEL || model.startsWith(`${OWN_MODEL}/`);

/** Fields by which a client may ask for what an answer from documents is not. */
const unfit: readonly {
  readonly field: string;
  readonly fits: (value: JsonValue) => boolean;
  readonly description: string;
}[] = [
  { field: "n", fits: (value) => value === 1, description: "must be 1: the documents have one answer" },
  {
    field: "response_format",
    fits: (value) => isObject(value) && value["type"] === "text",
    description: "must be text: answers are text with citations",
  },
  {
    field: "modalities",
    fits: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
    description: "must be text alone",
  },
];

/**
 * The question of a chat, which is its last message of a user; the rest of the conversation is not read, so a question must say by itself what
 * it is about. What to search, and how, may stand in `quartet`, as AnswerQuestionRequest has it.
 *
 * @throws {ConnectError} INVALID_ARGUMENT
 */
export function readQuestion({ model, streamed, fields }: ChatRequest): QuestionInChat {
  if (typeof fields["stream"] !== "boolean" && !isAbsent(fields["stream"])) {
    throw fieldInvalid("stream", "must be true or false");
  }
  for (const { field, fits, description } of unfit) {
    const value = fields[field];
    if (!isAbsent(value) && !fits(value)) throw fieldInvalid(field, description);
  }
  const { quartet: own = {} } = fields;
  const request = readMessage(AnswerQuestionRequestSchema, own);
  if (request.sections.length > 0) {
    throw fieldInvalid("quartet.sections", "are not for chats, which have one text; ask POST /api/v1/answer");
  }
  request.question = questionIn(fields["messages"]);
  request.modelOptions = modelOptionsIn(fields);
  const source = model.slice(OWN_MODEL.length + 1);
  if (source !== "") request.search = { ...(request.search ?? create(SearchOptionsSchema)), sources: [source] };
  return { model, streamed, wantsUsage: streamed && wantsUsage(fields["stream_options"]), request };
}

function questionIn(messages: JsonValue | undefined): string {
  if (!Array.isArray(messages) || messages.length === 0) throw fieldInvalid("messages", "must be a list of messages");
  const index = messages.findLastIndex((message) => isObject(message) && message["role"] === "user");
  if (index < 0) throw fieldInvalid("messages", "must have a message of the role user, which is the question");
  return textOf((messages[index] as JsonObject)["content"], `messages[${index}].content`);
}

function textOf(content: JsonValue | undefined, field: string): string {
  if (typeof content === "string") return content;
  const parts = Array.isArray(content) ? content : [];
  const texts = parts.map((part) => (isObject(part) && part["type"] === "text" ? part["text"] : undefined));
  if (texts.length === 0 || !texts.every((text) => typeof text === "string")) {
    throw fieldInvalid(field, "must be text, or parts that are all text");
  }
  return texts.join("\n");
}

const MAX_TOKENS = 16_384;

function modelOptionsIn(fields: JsonObject): ModelOptions {
  const temperature = numberIn(fields, "temperature", { min: 0, max: 2 });
  const maxTokens =
    numberIn(fields, "max_completion_tokens", { min: 1, max: MAX_TOKENS, whole: true }) ??
    numberIn(fields, "max_tokens", { min: 1, max: MAX_TOKENS, whole: true });
  const options: MessageInitShape<typeof ModelOptionsSchema> = {
    ...(temperature !== undefined && { temperature }),
    ...(maxTokens !== undefined && { maxTokenCount: maxTokens }),
  };
  return create(ModelOptionsSchema, options);
}

function numberIn(
  fields: JsonObject,
  field: string,
  { min, max, whole = false }: { readonly min: number; readonly max: number; readonly whole?: boolean },
): number | undefined {
  const value = fields[field];
  if (isAbsent(value)) return undefined;
  if (typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw fieldInvalid(field, `must be a ${whole ? "whole " : ""}number from ${min} to ${max}`);
}

function wantsUsage(options: JsonValue | undefined): boolean {
  if (isAbsent(options)) return false;
  if (!isObject(options)) throw fieldInvalid("stream_options", "must be an object");
  return options["include_usage"] === true;
}
