import type { Client, Transport } from "@connectrpc/connect";
import { AccessTokenService } from "@quartet/contracts/gateway/v1/access_token_service";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { type CallDefaults, type CallHeaders, createServiceClient } from "./service-client.ts";

export interface QuartetClientOptions {
  /** Where the gateway is, such as `http://127.0.0.1:8080`; a path in it is kept. */
  readonly baseUrl: string;
  /** The deadline of every call that names none itself, in milliseconds; 0 means none. Default 30,000; searches that are streamed have none. */
  readonly timeoutMs?: number;
  /** What the gateway lets its holder in by, `qt_...`; it goes along as `authorization: Bearer`. Default none. */
  readonly token?: string;
  /** Headers for every call; a function is asked anew for each. They win over `token`, and a call's own over them. Default none. */
  readonly headers?: CallHeaders;
  /** A Connect transport to use instead of the entry point's own, such as one with interceptors; `baseUrl` is then not used. */
  readonly transport?: Transport;
}

/** The gateway's public contract: one typed client per service. Every failure is a QuartetError. */
export interface QuartetClient {
  /** Asks questions: `answerQuestion`, `streamAnswerQuestion`. */
  readonly answers: Client<typeof AnswerService>;
  /** Finds passages: `searchPassages`, `streamSearchPassages`. */
  readonly search: Client<typeof SearchService>;
  /** Puts, gets, lists and deletes documents, and lists collections. */
  readonly documents: Client<typeof DocumentService>;
  /** Creates, lists and revokes access tokens of the caller's tenant. Role `admin`. */
  readonly accessTokens: Client<typeof AccessTokenService>;
  /** Shows and steers a running platform: `getPlatformStatus`, `rebuildIndex`, `retryRefusedPassages`, `invalidateCache`, `warmCache`, `adviseIndexes`. Role `admin`. */
  readonly operations: Client<typeof OperationsService>;
}

/** The deadline of a call that names none, in milliseconds: the gateway's own. */
export const defaultTimeoutMs = 30_000;

/** What holds for every call that does not say otherwise. */
export function defaultsOf({ timeoutMs = defaultTimeoutMs, token, headers }: QuartetClientOptions): CallDefaults {
  if (token === undefined) return { timeoutMs, headers };
  const own = { authorization: `Bearer ${token}` };
  const given = typeof headers === "function" ? headers : () => headers;
  return { timeoutMs, headers: async () => ({ ...own, ...(await given()) }) };
}

/** The services over one transport. */
export function createClientOver(transport: Transport, options: QuartetClientOptions): QuartetClient {
  const defaults = defaultsOf(options);
  return {
    answers: createServiceClient(AnswerService, transport, defaults),
    search: createServiceClient(SearchService, transport, defaults),
    documents: createServiceClient(DocumentService, transport, defaults),
    accessTokens: createServiceClient(AccessTokenService, transport, defaults),
    operations: createServiceClient(OperationsService, transport, defaults),
  };
}
