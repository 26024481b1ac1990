import type { Client, Transport } from "@connectrpc/connect";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { type CallHeaders, createServiceClient } from "./service-client.ts";

export interface QuartetClientOptions {
  /** Where the gateway is, such as `http://127.0.0.1:8080`; a path in it is kept. */
  readonly baseUrl: string;
  /** The deadline of every call that names none itself, in milliseconds; 0 means none. Default 30,000. */
  readonly timeoutMs?: number;
  /** Headers for every call, such as `authorization`; a function is asked anew for each. A call's own headers win. Default none. */
  readonly headers?: CallHeaders;
  /** A Connect transport to use instead of the entry point's own, such as one with interceptors; `baseUrl` is then not used. */
  readonly transport?: Transport;
}

/** The gateway's public contract: one typed client per service. Every failure is a QuartetError. */
export interface QuartetClient {
  /** Asks questions: `answerQuestion`, `streamAnswerQuestion`. */
  readonly answers: Client<typeof AnswerService>;
  /** Finds passages: `searchPassages`. */
  readonly search: Client<typeof SearchService>;
  /** Puts, gets, lists and deletes documents, and lists collections. */
  readonly documents: Client<typeof DocumentService>;
}

/** The deadline of a call that names none, in milliseconds: the gateway's own. */
export const defaultTimeoutMs = 30_000;

/** The three services over one transport. */
export function createClientOver(transport: Transport, options: QuartetClientOptions): QuartetClient {
  const defaults = { timeoutMs: options.timeoutMs ?? defaultTimeoutMs, headers: options.headers };
  return {
    answers: createServiceClient(AnswerService, transport, defaults),
    search: createServiceClient(SearchService, transport, defaults),
    documents: createServiceClient(DocumentService, transport, defaults),
  };
}
