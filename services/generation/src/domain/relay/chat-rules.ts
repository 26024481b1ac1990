import type { Chat } from "./chat-relay.ts";
import { ChatRefusedError } from "./chat-refused-error.ts";
import { type Member, membersOf } from "./json-members.ts";

export interface ChatRules {
  /** Models that may be asked. Default: any. */
  readonly models?: readonly string[] | undefined;
  /** The most tokens of one choice; also set where the client names none. Default: what the client and the model say. */
  readonly maxOutputTokens?: number | undefined;
  /** How the provider calls that number: OpenAI's newer models refuse the older name, and other servers often know no other. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
}

/** Replies asked for at once: each costs as much as a chat of its own. */
const MAX_CHOICES = 8;
const MAX_MESSAGES = 2_048;
/** No model writes more, and what would be reserved for it is beyond reason. */
const MAX_TOKENS = 131_072;
const MAX_BIASES = 1_024;

const modelPattern = /^[\x21-\x7e]{1,128}$/;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of POST /v1/chat/completions, and says what it must not say. Only what costs or steers is looked at: fields that are not
 * known here, and what stands in the messages, is the provider's to judge.
 *
 * @throws {ChatRefusedError}
 */
export function checkChat(bytes: Uint8Array, rules: ChatRules): Chat {
  const text = textOf(bytes);
  const fields = objectIn(text);
  const members = membersOf(text);
  checkNames(members);
  const model = checkModel(fields["model"], rules.models);
  checkMessages(fields["messages"]);
  const streamed = checkFlag(fields["stream"], "stream");
  const wantsUsage = checkStreamOptions(fields["stream_options"], streamed);
  const choices = checkNumber(fields["n"], "n", 1, MAX_CHOICES, "integer") ?? 1;
  const asked = checkLength(fields, rules.maxOutputTokens ?? MAX_TOKENS);
  checkSampling(fields);

  const limit = asked ?? rules.maxOutputTokens;
  const lacking = {
    ...(asked === undefined && limit !== undefined && { [rules.maxTokensField]: limit }),
    ...(streamed &&
      !wantsUsage && { stream_options: { ...(fields["stream_options"] as Fields), include_usage: true } }),
  };
  const body = Object.keys(lacking).length === 0 ? bytes : Buffer.from(withMembers(text, members, lacking));
  const maxOutputTokens = limit === undefined ? undefined : limit * choices;
  return { body, model, streamed, wantsUsage, choices, maxOutputTokens };
}

function refuse(field: string, description: string): never {
  throw new ChatRefusedError({ reason: "FIELD_INVALID", field, description });
}

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return refuse("", "The body is not UTF-8.");
  }
}

function objectIn(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refuse("", "The body is not JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse("", "The body is no JSON object.");
  return value as Fields;
}

const checked = [
  "model",
  "messages",
  "stream",
  "stream_options",
  "n",
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
];

/** Parsers differ in which of two equal names they keep, and in whether they tell cases apart: what is checked must be what is done. */
function checkNames(members: readonly Member[]): void {
  const seen = new Set<string>();
  for (const { name } of members) {
    const known = checked.find((each) => each === name);
    if (seen.has(name)) refuse(known ?? "", "A field is given twice.");
    seen.add(name);
    if (known !== undefined) continue;
    const folded = name.normalize("NFKC").toLowerCase();
    if (checked.includes(folded)) refuse(folded, "must be written in small letters");
  }
}

function checkModel(value: unknown, allowed: readonly string[] | undefined): string {
  if (typeof value !== "string" || !modelPattern.test(value)) {
    return refuse("model", "must be the name of a model, of at most 128 characters without spaces");
  }
  if (allowed !== undefined && !allowed.includes(value)) {
    const description = "is none of the models that chats are passed on to; see GET /v1/models";
    throw new ChatRefusedError({ reason: "MODEL_UNKNOWN", field: "model", description });
  }
  return value;
}

function checkMessages(value: unknown): void {
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_MESSAGES) {
    refuse("messages", `must be a list of 1 to ${MAX_MESSAGES} messages`);
  }
  value.forEach((message: unknown, index) => {
    if (typeof message !== "object" || message === null || typeof (message as Fields)["role"] !== "string") {
      refuse(`messages[${index}]`, "must be an object with a role");
    }
  });
}

function checkFlag(value: unknown, field: string): boolean {
  if (value === undefined || value === null) return false;
  return typeof value === "boolean" ? value : refuse(field, "must be true or false");
}

/** @returns whether the client wants the usage told */
function checkStreamOptions(value: unknown, streamed: boolean): boolean {
  if (value === undefined || value === null) return false;
  if (!streamed) refuse("stream_options", "is only for streams; leave it out, or set stream");
  if (typeof value !== "object" || Array.isArray(value)) refuse("stream_options", "must be an object");
  // It may have to be written again, which cannot be done of what is nested at will.
  if (Object.values(value).some((each) => typeof each === "object" && each !== null)) {
    refuse("stream_options", "must hold no lists or objects");
  }
  return checkFlag((value as Fields)["include_usage"], "stream_options.include_usage");
}

function checkNumber(
  value: unknown,
  field: string,
  min: number,
  max: number,
  kind: "integer" | "number" = "number",
): number | undefined {
  if (value === undefined || value === null) return undefined;
  const fits =
    typeof value === "number" && value >= min && value <= max && (kind === "number" || Number.isInteger(value));
  return fits ? value : refuse(field, `must be ${kind === "integer" ? "a whole number " : ""}from ${min} to ${max}`);
}

/** @returns the larger of the two numbers by which a client may limit the length; undefined where it does not */
function checkLength(fields: Fields, most: number): number | undefined {
  const given = ["max_tokens", "max_completion_tokens"]
    .map((field) => checkNumber(fields[field], field, 1, most, "integer"))
    .filter((each) => each !== undefined);
  return given.length === 0 ? undefined : Math.max(...given);
}

function checkSampling(fields: Fields): void {
  checkNumber(fields["temperature"], "temperature", 0, 2);
  checkNumber(fields["top_p"], "top_p", 0, 1);
  checkNumber(fields["presence_penalty"], "presence_penalty", -2, 2);
  checkNumber(fields["frequency_penalty"], "frequency_penalty", -2, 2);
  const biases = fields["logit_bias"];
  if (biases === undefined || biases === null) return;
  if (typeof biases !== "object" || Array.isArray(biases)) refuse("logit_bias", "must be an object");
  const values = Object.values(biases);
  if (values.length > MAX_BIASES) refuse("logit_bias", `must have at most ${MAX_BIASES} members`);
  for (const value of values) {
    if (checkNumber(value, "logit_bias", -100, 100) === undefined) refuse("logit_bias", "must hold numbers");
  }
}

/** Sets some members, and leaves everything else as it is written: numbers of any size, white space, fields of any kind. */
function withMembers(text: string, members: readonly Member[], values: Fields): string {
  const changes = Object.entries(values).map(([name, value]) => ({
    json: JSON.stringify(value),
    name,
    member: members.find((each) => each.name === name),
  }));
  const begin = text.indexOf("{") + 1;
  const edits = changes.map(({ json, name, member }) =>
    member === undefined
      ? { start: begin, end: begin, json: `${JSON.stringify(name)}:${json},` }
      : { start: member.start, end: member.end, json },
  );
  // From the end on, so that what was found stays where it is.
  return edits
    .sort((one, other) => other.start - one.start)
    .reduce((result, { start, end, json }) => result.slice(0, start) + json + result.slice(end), text);
}
