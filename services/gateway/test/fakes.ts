import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import {
  type CompressPassagesRequest,
  CompressionService,
} from "@quartet/contracts/compression/v1/compression_service";
import { EmbeddingService, type EmbedTextsRequest } from "@quartet/contracts/embedding/v1/embedding_service";
import {
  type GenerateAnswerRequest,
  type GenerateAnswerResponseSchema,
  GenerationService,
  type RelayChatRequest,
  type RelayChatResponseSchema,
  type StreamRelayChatRequest,
  type StreamRelayChatResponseSchema,
} from "@quartet/contracts/generation/v1/generation_service";
import { DocumentService } from "@quartet/contracts/retrieval/v1/document_service";
import { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import {
  RetrievalService,
  type SearchPassagesRequest,
  type SearchPassagesResponseSchema,
} from "@quartet/contracts/retrieval/v1/retrieval_service";
import { AnswererKind, FinishReason } from "@quartet/contracts/type/v1/answer";
import { CollectionSchema } from "@quartet/contracts/type/v1/collection";
import { type Document, PutOutcome } from "@quartet/contracts/type/v1/document";
import { type Passage, PassageSchema } from "@quartet/contracts/type/v1/passage";
import { LegKind, LegStatus } from "@quartet/contracts/type/v1/search";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import type { Routes } from "@quartet/rpc";

type Reply<I, O> = (request: I, context: HandlerContext) => O;

/** What the fake services do; each may be replaced at any time. */
export interface Behaviour {
  embed?: Reply<EmbedTextsRequest, Promise<void>>;
  search?: Reply<SearchPassagesRequest, Promise<MessageInitShape<typeof SearchPassagesResponseSchema>>>;
  compress?: Reply<CompressPassagesRequest, Promise<Passage[]>>;
  generate?: Reply<GenerateAnswerRequest, AsyncIterable<MessageInitShape<typeof GenerateAnswerResponseSchema>>>;
  relay?: Reply<RelayChatRequest, Promise<MessageInitShape<typeof RelayChatResponseSchema>>>;
  streamRelay?: Reply<StreamRelayChatRequest, AsyncIterable<MessageInitShape<typeof StreamRelayChatResponseSchema>>>;
  /** The space of the embedder. */
  ownSpace: string;
  /** The spaces it can make at all. */
  spaces: string[];
}

export interface FakeServices {
  readonly routes: Routes;
  readonly behaviour: Behaviour;
  /** Names of the rpcs that arrived, in order. */
  readonly calls: string[];
  readonly requests: { embed: EmbedTextsRequest[]; search: SearchPassagesRequest[]; generate: GenerateAnswerRequest[] };
  readonly documents: Map<string, Document>;
  /** The spaces of the one collection. */
  readonly index: {
    active: string | undefined;
    vectors: Map<string, Set<string>>;
    /** Documents that are refused in the active space, which has no vector of them. */
    refused: Set<string>;
  };
}

export const spaceA = "aaaaaaaaaaaaaaaa";
export const spaceB = "bbbbbbbbbbbbbbbb";

export const passages = [
  passage("leave", "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다.", 1),
  passage("refunds", "A refund takes 14 days. It is paid to the card.", 0.5),
];

export function passage(documentId: string, text: string, score: number): Passage {
  return create(PassageSchema, {
    documentId,
    title: `title of ${documentId}`,
    text,
    score,
    startOffset: 100,
    endOffset: 100 + [...text].length,
    documentVersion: 3n,
    uri: `file:${documentId}`,
    hits: [
      { source: "corpus", leg: LegKind.KEYWORD, rank: 1, rawScore: 7 },
      { source: "corpus", leg: LegKind.VECTOR, rank: 2, rawScore: 0.4 },
    ],
  });
}

const space = (id: string) => ({ id, dimensions: 2, kind: EmbeddingSpaceKind.HASHED, denseWeight: 0.2, model: "fake" });

/** The four inner services, in memory: small, quick, and as bad as a test wants them. */
export function createFakeServices(): FakeServices {
  const behaviour: Behaviour = { ownSpace: spaceA, spaces: [spaceA] };
  const calls: string[] = [];
  const requests: FakeServices["requests"] = { embed: [], search: [], generate: [] };
  const documents = new Map<string, Document>();
  const index: FakeServices["index"] = { active: spaceA, vectors: new Map(), refused: new Set() };
  const vectorsOf = (id: string) => index.vectors.get(id) ?? new Set<string>();
  const lacking = (id: string) =>
    [...documents.keys()].filter((document) => !vectorsOf(id).has(document) && !index.refused.has(document));

  const collection = () =>
    create(CollectionSchema, {
      state: { collection: "default", recordSeq: BigInt(documents.size), projectedSeq: BigInt(documents.size) },
      passageCount: BigInt(documents.size),
      ...(index.active && { activeSpace: space(index.active) }),
      activeRefusedCount: BigInt(index.refused.size),
      activeVectorCount: BigInt(index.active === undefined ? 0 : vectorsOf(index.active).size || 1),
    });

  const routes: Routes = (add) => {
    add(EmbeddingService, {
      async embedTexts(request, context) {
        calls.push("embed");
        requests.embed.push(request);
        await behaviour.embed?.(request, context);
        const id = request.spaceId && behaviour.spaces.includes(request.spaceId) ? request.spaceId : behaviour.ownSpace;
        const vector = { encoding: { case: "float32" as const, value: { values: [1, 0] } } };
        return { space: space(id), embeddings: request.texts.map(() => ({ vector })), usage: usage(3, 0) };
      },
    });
    add(RetrievalService, {
      async searchPassages(request, context) {
        calls.push("search");
        requests.search.push(request);
        if (behaviour.search) return behaviour.search(request, context);
        return {
          passages,
          legs: [{ source: "corpus", leg: LegKind.KEYWORD, status: LegStatus.OK, passageCount: 2 }],
          collections: [{ collection: "default", recordSeq: 4n, projectedSeq: 4n }],
        };
      },
    });
    add(CompressionService, {
      async compressPassages(request, context) {
        calls.push("compress");
        return { passages: (await behaviour.compress?.(request, context)) ?? request.passages };
      },
    });
    add(GenerationService, {
      generateAnswer(request, context) {
        calls.push("generate");
        requests.generate.push(request);
        return behaviour.generate?.(request, context) ?? answerInTwo();
      },
      async relayChat(request, context) {
        calls.push("relay");
        return (await behaviour.relay?.(request, context)) ?? relayAtOnce(request);
      },
      streamRelayChat(request, context) {
        calls.push("relay");
        return behaviour.streamRelay?.(request, context) ?? relayInTwo(request);
      },
    });
    add(DocumentService, {
      async putDocuments(request) {
        calls.push("put");
        for (const document of request.documents) documents.set(document.id, document);
        return {
          results: request.documents.map(({ id }) => ({ documentId: id, outcome: PutOutcome.CREATED, version: 1n })),
          collections: [collection().state!],
        };
      },
      async listDocuments({ filter }) {
        calls.push("list");
        const value = filter?.condition.case === "equals" ? filter.condition.value.value?.kind.value : undefined;
        return { documents: [...documents.values()].filter(({ id }) => value === undefined || id === value) };
      },
      async countDocuments() {
        return { counts: [] };
      },
      async deleteDocuments({ documentIds }) {
        return { deletedCount: documentIds.filter((id) => documents.delete(id)).length };
      },
    });
    add(IndexService, {
      async listCollections() {
        calls.push("collections");
        return { collections: [collection()] };
      },
      async listPassagesWithoutVector({ spaceId, documentIds, pageSize, pageToken }) {
        const all = lacking(spaceId)
          .filter((id) => documentIds.length === 0 || documentIds.includes(id))
          .filter((id) => id > pageToken)
          .sort();
        const page = all.slice(0, pageSize);
        return {
          contents: page.map((id) => ({ contentHash: hash(id), text: documents.get(id)!.text })),
          nextPageToken: all.length > pageSize ? page.at(-1)! : "",
        };
      },
      async putVectors({ space: into, vectors, refusedContentHashes }) {
        const refused = [...documents.keys()].filter((id) => refusedContentHashes.includes(hash(id)));
        for (const id of refused) index.refused.add(id);
        if (refused.length > 0) return { refusedCount: refused.length };
        calls.push("vectors");
        const known = vectorsOf(into!.id);
        for (const id of documents.keys()) {
          if (vectors.some(({ contentHash }) => contentHash === hash(id))) known.add(id);
        }
        index.vectors.set(into!.id, known);
        index.active ??= into!.id;
        return { storedCount: vectors.length };
      },
      async retryRefusedPassages() {
        calls.push("retry");
        const passageCount = BigInt(index.refused.size);
        index.refused.clear();
        return { passageCount };
      },
      async activateSpace({ spaceId }) {
        calls.push("activate");
        index.active = spaceId;
        return { collection: collection() };
      },
    });
  };
  return { routes, behaviour, calls, requests, documents, index };
}

const hash = (id: string): string => Buffer.from(id).toString("hex").padEnd(64, "0").slice(0, 64);

const usage = (inputTokenCount: number, outputTokenCount: number) => ({
  inputTokenCount,
  outputTokenCount,
  callCount: 1,
});

type Event = MessageInitShape<typeof GenerateAnswerResponseSchema>;

export const end: Event = {
  event: {
    case: "end",
    value: {
      citations: [{ number: 2 }],
      answerer: { kind: AnswererKind.EXTRACTIVE },
      finishReason: FinishReason.STOP,
      usage: usage(50, 9),
    },
  },
};

export const text = (value: string): Event => ({ event: { case: "textDelta", value: { text: value } } });

async function* answerInTwo() {
  yield text("14일 ");
  yield text("[2]");
  yield end;
}

export const chunk = (value: unknown) => ({
  event: { case: "chunk" as const, value: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) },
});

export const relayEnd = { event: { case: "end" as const, value: usage(7, 2) } };

export const relayed = (reply: string) => ({ json: Buffer.from(reply), usage: usage(7, 2) });

const asked = ({ body }: RelayChatRequest | StreamRelayChatRequest) => {
  const { model } = JSON.parse(Buffer.from(body).toString()) as { model: string };
  return { id: "chatcmpl-1", created: 1, model };
};

/** As a provider: a completion that names the model. */
function relayAtOnce(request: RelayChatRequest) {
  const choices = [{ index: 0, message: { role: "assistant", content: "passed on" }, finish_reason: "stop" }];
  const completion = { ...asked(request), object: "chat.completion", choices, system_fingerprint: "fp" };
  return relayed(JSON.stringify(completion));
}

/** The same in two pieces. */
async function* relayInTwo(request: StreamRelayChatRequest) {
  const common = { ...asked(request), object: "chat.completion.chunk" };
  for (const content of ["passed ", "on"]) yield chunk({ ...common, choices: [{ index: 0, delta: { content } }] });
  yield chunk({ ...common, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
  yield relayEnd;
}

/** Never ends by itself. */
export const hang = async (signal: AbortSignal): Promise<never> => {
  signal.throwIfAborted();
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
};
