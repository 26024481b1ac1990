import { Pool } from "undici";

export interface ChatTimes {
  /** Until the first text of a stream; of a reply that is no stream, until all of it. */
  readonly firstMs: number;
  readonly totalMs: number;
}

/** One HTTP/1.1 client for all subjects, with kept connections, so that its own cost is the same for each. */
export interface ChatClient {
  /** Sends a chat and reads the reply to its end; rejects on anything but a whole one. */
  send(body: string): Promise<ChatTimes>;
  close(): Promise<void>;
}

export interface ChatClientOptions {
  readonly name: string;
  readonly url: string;
  readonly connections: number;
  readonly streamed: boolean;
}

const timeoutMs = 60_000;
/** The beginning of text in an event; before it there is a piece that only tells the role. */
const text = /"content":"[^"]/;
const end = "data: [DONE]\n\n";

export function createChatClient({ name, url, connections, streamed }: ChatClientOptions): ChatClient {
  const pool = new Pool(url, { connections, pipelining: 1, bodyTimeout: timeoutMs, headersTimeout: timeoutMs });
  const headers = { "content-type": "application/json", authorization: "Bearer sk-bench" };
  return {
    send: async (body) => {
      const began = performance.now();
      const since = () => performance.now() - began;
      const reply = await pool.request({ path: "/v1/chat/completions", method: "POST", headers, body });
      if (reply.statusCode !== 200 || !streamed) {
        const whole = await reply.body.text();
        const isWhole = reply.statusCode === 200 && whole.includes('"finish_reason":"stop"');
        if (!isWhole) throw new Error(`${name} answered ${reply.statusCode}: ${whole.slice(0, 300)}`);
        return { firstMs: since(), totalMs: since() };
      }
      let firstMs: number | undefined;
      let tail = "";
      for await (const bytes of reply.body as AsyncIterable<Buffer>) {
        const chunk = bytes.toString("latin1");
        if (firstMs === undefined && text.test(tail + chunk)) firstMs = since();
        // All is kept until there is text, and of the rest what the end is told by.
        tail = firstMs === undefined ? tail + chunk : (tail + chunk).slice(-end.length);
      }
      if (firstMs === undefined || !tail.endsWith(end))
        throw new Error(`${name} broke off a stream: ${tail.slice(-300)}`);
      return { firstMs, totalMs: since() };
    },
    close: () => pool.destroy(),
  };
}

/** A chat of about so many bytes, which no other index has. */
export function chatBody(
  index: number,
  { bytes, streamed, model }: { bytes: number; streamed: boolean; model: string },
) {
  const start = `Question ${index}. `;
  const content =
    start + "What is said here is of no matter. ".repeat(bytes / 30).slice(0, Math.max(0, bytes - start.length));
  return JSON.stringify({ model, messages: [{ role: "user", content }], ...(streamed ? { stream: true } : {}) });
}
