import { ErrorReply, ProtocolError, readUsage, type ReportedUsage } from "@quartet/provider";

type Fields = Readonly<Record<string, unknown>>;

/** What one event of a streamed chat says, of what matters for passing it on. */
export interface RelayedEvent {
  /** Characters of text, or of whatever else the model writes. */
  readonly characters: number;
  readonly usage: ReportedUsage | undefined;
  /** Whether it tells the usage and nothing else. */
  readonly isUsageOnly: boolean;
  /** The choices that it ends, by index, and those it goes on with. */
  readonly ended: readonly number[];
  readonly open: readonly number[];
}

/** @throws {ProtocolError} it is no event of a chat */
export function readRelayedEvent(value: unknown): RelayedEvent {
  const { choices: given, usage: reported } = fieldsOf(value, "event");
  const choices = given === undefined || given === null ? [] : listOf(given, "choices");
  let characters = 0;
  const [ended, open]: [number[], number[]] = [[], []];
  for (const each of choices) {
    const { index, delta, finish_reason: reason } = fieldsOf(each, "choice");
    if (delta !== undefined && delta !== null) characters += charactersIn(fieldsOf(delta, "delta"));
    const at = typeof index === "number" ? index : 0;
    if (reason === undefined || reason === null || reason === "") open.push(at);
    else ended.push(at);
  }
  const isUsageOnly = choices.length === 0 && reported !== undefined && reported !== null;
  return { characters, usage: readUsage(reported), isUsageOnly, ended, open };
}

/**
 * The usage of a whole reply.
 *
 * @throws {ProtocolError} it is no chat completion
 * @throws {ErrorReply} it is an error, in spite of its status
 */
export function readWholeReply(value: unknown): ReportedUsage | undefined {
  const { choices, usage, error } = fieldsOf(value, "reply");
  if (typeof error === "object" && error !== null) throw new ErrorReply({ status: undefined, error });
  const all = listOf(choices, "choices");
  if (all.length === 0) throw new ProtocolError("choices: none");
  for (const choice of all) fieldsOf(fieldsOf(choice, "choice")["message"], "message");
  return readUsage(usage);
}

/** The role, which comes first and alone, says nothing yet; everything else does, whatever it is called: text, refusal, tools, reasoning. */
function charactersIn(delta: Fields): number {
  let characters = 0;
  for (const [name, value] of Object.entries(delta)) {
    if (name === "role" || value === null || value === undefined) continue;
    characters += typeof value === "string" ? value.length : lengthOf(value);
  }
  return characters;
}

function lengthOf(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    throw new ProtocolError("delta: nested too deeply");
  }
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ProtocolError(`${name}: no list`);
  return value;
}

function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError(`${name}: no object`);
  }
  return value as Fields;
}
