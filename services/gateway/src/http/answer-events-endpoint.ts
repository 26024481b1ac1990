import { toJsonString } from "@bufbuild/protobuf";
import { errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import {
  type AnswerQuestionRequest,
  AnswerQuestionRequestSchema,
  AnswerQuestionResponseSchema,
  AnswerService,
  type StreamAnswerQuestionResponse,
} from "@quartet/contracts/gateway/v1/answer_service";
import { CitationSchema, SectionSchema } from "@quartet/contracts/type/v1/answer";
import { StageTimingSchema } from "@quartet/contracts/type/v1/outcome";
import { fieldInvalid } from "@quartet/errors";
import { type Client, type EndpointFailure, forward, type HttpEndpoint, type HttpResponse } from "@quartet/rpc";
import { withFieldNames } from "../handlers/errors.ts";
import { eventOf, sendEvents } from "./events.ts";
import { readJsonObject, readMessage } from "./json.ts";

export interface AnswerEventsOptions {
  readonly path: string;
  readonly answers: Client<typeof AnswerService>;
  /** The largest body. */
  readonly maxBytes: number;
  /** How often something is sent while there is nothing to tell. */
  readonly heartbeatMs: number;
}

/** Names of events that are no text, and so of no section. */
const reserved: ReadonlySet<string> = new Set(["stage", "citation", "section", "end", "error"]);

/** The event of text that is of no section. */
const UNNAMED = "answer";

/** POST with `accept: text/event-stream`: the events of StreamAnswerQuestion, text under the name of its section. */
export function createAnswerEventsEndpoint({
  path,
  answers,
  maxBytes,
  heartbeatMs,
}: AnswerEventsOptions): HttpEndpoint {
  return {
    path,
    verb: "POST",
    like: AnswerService.method.streamAnswerQuestion,
    accepts: ({ method, headers }) => method === "POST" && /\btext\/event-stream\b/i.test(headers.accept ?? ""),
    consumes: /^application\/json\b/i,
    async handle(call) {
      const body = await call.readBody({ maxBytes });
      const answer = readMessage(AnswerQuestionRequestSchema, readJsonObject(body));
      checkSections(answer);
      const events = answers.streamAnswerQuestion({ answer }, forward(call.context));
      await sendEvents(call, toEvents(events), { heartbeatMs }).catch((error: unknown) => {
        throw withFieldNames(error, (field) => field.replace(/^answer\./, ""));
      });
      await call.end();
    },
    fail,
  };
}

function checkSections({ sections }: AnswerQuestionRequest): void {
  const index = sections.findIndex(({ name }) => reserved.has(name));
  if (index >= 0) throw fieldInvalid(`sections[${index}].name`, "is the name of another event here; choose another");
}

async function* toEvents(responses: AsyncIterable<StreamAnswerQuestionResponse>): AsyncGenerator<string> {
  for await (const response of responses) {
    const event = toEvent(response);
    if (event !== undefined) yield event;
  }
}

function toEvent({ event }: StreamAnswerQuestionResponse): string | undefined {
  switch (event.case) {
    case "stage":
      return eventOf(toJsonString(StageTimingSchema, event.value), "stage");
    case "citation":
      return eventOf(toJsonString(CitationSchema, event.value), "citation");
    case "textDelta":
      return eventOf(JSON.stringify({ text: event.value.text }), event.value.section || UNNAMED);
    case "section":
      return eventOf(toJsonString(SectionSchema, event.value), "section");
    case "answer":
      return eventOf(toJsonString(AnswerQuestionResponseSchema, event.value), "end");
    case undefined:
      return undefined;
  }
}

/** As Connect has it, in the response or in its last event. */
function fail({ error, status }: EndpointFailure, response: HttpResponse): void {
  const json = Buffer.from(errorToJsonBytes(error, undefined));
  if (response.headersSent) return void response.end(eventOf(json.toString(), "error"));
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.end(json);
}
