import OpenAI from "openai";
import { openOnPort } from "./open-gateway.ts";

export type ChatGateway = Awaited<ReturnType<typeof openOnPort>>;

/** A gateway that passes chats to `gpt-x` on. */
export const openChatGateway = (): Promise<ChatGateway> => openOnPort({ QUARTET_RELAY_MODELS: "gpt-x" });

/** Lets the inner services behave as they did at first. */
export function reset({ inner }: ChatGateway): void {
  delete inner.behaviour.relay;
  delete inner.behaviour.streamRelay;
  delete inner.behaviour.generate;
  delete inner.behaviour.search;
  inner.calls.length = 0;
}

export const clientOf = ({ url }: ChatGateway, apiKey = "none"): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

export const messages = [
  { role: "system" as const, content: "You are a helpful assistant." },
  { role: "user" as const, content: "안녕하세요" },
  { role: "assistant" as const, content: "무엇을 도와드릴까요?" },
  { role: "user" as const, content: "환불은 며칠 걸리나요?" },
];
export const question = { model: "quartet", messages };

/** Posts what no typed client would. */
export const postChat = ({ url }: ChatGateway, body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
  });

export interface Failed {
  readonly error: {
    readonly code: string;
    readonly param: string | null;
    readonly reason: string;
    readonly type: string;
  };
}
