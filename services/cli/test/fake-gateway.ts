import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import {
  type AccessToken,
  AccessTokenSchema,
  AccessTokenService,
} from "@quartet/contracts/gateway/v1/access_token_service";
import {
  AnswerQuestionResponseSchema,
  AnswerService,
  type AnswerQuestionResponse,
} from "@quartet/contracts/gateway/v1/answer_service";
import { DocumentService } from "@quartet/contracts/gateway/v1/document_service";
import { OperationsService } from "@quartet/contracts/gateway/v1/operations_service";
import { SearchService } from "@quartet/contracts/gateway/v1/search_service";
import { AnswererKind, FinishReason, SectionSchema, type SectionSpec } from "@quartet/contracts/type/v1/answer";
import { type Document, DocumentFacet, DocumentSchema, PutOutcome } from "@quartet/contracts/type/v1/document";
import type { CacheSelector } from "@quartet/contracts/type/v1/operations";
import type { Filter } from "@quartet/contracts/type/v1/filter";
import type { Graph } from "@quartet/contracts/type/v1/graph";
import { type Passage, PassageSchema } from "@quartet/contracts/type/v1/passage";
import {
  LegStatus,
  type SearchOptions,
  SourceKind,
  type SourceReport,
  SourceReportSchema,
} from "@quartet/contracts/type/v1/search";
import { CacheLevel, type BudgetStatsSchema, type KeyStatsSchema } from "@quartet/contracts/type/v1/stats";
import { StatementSource } from "@quartet/contracts/type/v1/operations";
import { EmbeddingSpaceKind } from "@quartet/contracts/type/v1/vector";
import { quartetError } from "@quartet/errors";

/** A gateway that keeps documents in memory, finds them by shared words, and misbehaves where a document or question asks for it. */
export interface FakeGateway {
  readonly url: string;
  readonly documents: ReadonlyMap<string, Document>;
  /** The graphs that were put, in order. */
  readonly graphs: Graph[];
  /** What is told to be left after the next graph; one less after each. */
  waitingDocuments: number;
  /** What was to be emptied of the caches, and the questions to warm them with. */
  readonly cleared: (CacheSelector | undefined)[];
  readonly warmed: string[];
  /** How many different questions were asked lately. */
  frequent: number;
  /** Documents per put, in order. */
  readonly puts: number[];
  /** The most puts that were under way at once. */
  mostPuts(): number;
  /** Puts still to be turned away for a moment. */
  turnAway: number;
  /** Puts that are taken before all others fail. */
  failAfterPuts: number;
  /** Polls still to be told that vectors are missing; Infinity for ever. */
  pendingPolls: number;
  /** What callers of the services below must send. */
  token: string;
  /** Access tokens, as they were made. */
  readonly accessTokens: AccessToken[];
  /** What GetPlatformStatus says is missing. */
  missing: string[];
  /** The keys of model providers that GetPlatformStatus tells of. */
  keys: MessageInitShape<typeof KeyStatsSchema>[];
  /** The budgets that it tells of. */
  budgets: MessageInitShape<typeof BudgetStatsSchema>[];
  /** Documents after which a rebuild fails. */
  rebuildFailsAfter: number;
  /** Passages that the embedder refuses. */
  refusedPassages: number;
  /** Whether it has no PostgreSQL. */
  isEmbedded: boolean;
  /** Resolves when a question that never ends was given up by its client. */
  readonly abandoned: Promise<void>;
  close(): Promise<void>;
}

const space = {
  id: "0123456789abcdef",
  dimensions: 2048,
  kind: EmbeddingSpaceKind.HASHED,
  denseWeight: 0.2,
  cacheThreshold: 2,
  model: "hashed",
};

const words = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);

const collectionOf = (filter: Filter | undefined): string | undefined => {
  const condition = filter?.condition;
  if (condition?.case !== "equals" || condition.value.field !== "collection") return undefined;
  return condition.value.value?.kind.value as string;
};

/** The first source named does well, the others hang. */
const reportsFor = (search: SearchOptions | undefined): SourceReport[] =>
  (search?.sources ?? []).map((source, index) =>
    create(SourceReportSchema, {
      source,
      kind: SourceKind.HYBRID,
      passageCount: index === 0 ? 12 : 0,
      weight: 1,
      ...(index === 0
        ? { status: LegStatus.OK, elapsed: { nanos: 31_400_000 } }
        : { status: LegStatus.FAILED, reason: "OUT_OF_TIME", elapsed: { seconds: 2n } }),
    }),
  );

export async function startFakeGateway(): Promise<FakeGateway> {
  const documents = new Map<string, Document>();
  const abandoned = Promise.withResolvers<void>();
  let begun = 0;
  let running = 0;
  let most = 0;

  const put = (document: Document) => {
    const { id } = document;
    if (id.includes("refuse")) {
      const failure = { code: "invalid_argument", reason: "FIELD_INVALID", message: "This one is refused." };
      return { documentId: id, outcome: PutOutcome.FAILED, failure };
    }
    const earlier = documents.get(id);
    documents.set(id, document);
    if (!earlier) return { documentId: id, outcome: PutOutcome.CREATED, version: 1n };
    const same = Buffer.compare(toBinary(DocumentSchema, earlier), toBinary(DocumentSchema, document)) === 0;
    return { documentId: id, outcome: same ? PutOutcome.UNCHANGED : PutOutcome.REPLACED, version: 2n };
  };

  const entities = new Set<string>();
  const putGraph = (graph: Graph) => {
    gateway.graphs.push(graph);
    for (const { id } of graph.entities) entities.add(id);
    const field = `graph.relations[${graph.relations.findIndex(({ targetEntityId }) => !entities.has(targetEntityId))}]`;
    if (!field.includes("-1")) {
      const description = "no entity has this ID";
      const refusal = { code: Code.InvalidArgument, reason: "FIELD_INVALID", message: description } as const;
      throw quartetError({ ...refusal, violations: [{ field: `${field}.target_entity_id`, description }] });
    }
    const changedCount = graph.entities.length + graph.relations.length + graph.mentions.length;
    return { changedCount, waitingDocumentCount: BigInt(gateway.waitingDocuments--) };
  };

  const find = (query: string, collection: string | undefined): Passage[] => {
    const asked = words(query);
    return [...documents.values()]
      .filter((document) => collection === undefined || document.collection === collection)
      .map((document) => {
        const found = [...words(`${document.title} ${document.text}`)].filter((word) => asked.has(word)).length;
        return { document, score: found / Math.max(1, asked.size) };
      })
      .filter(({ score }) => score > 0)
      .sort((a, b) => b.score - a.score || (a.document.id < b.document.id ? -1 : 1))
      .map(({ document: { id, title, text }, score }) =>
        create(PassageSchema, { documentId: id, title, text, score, endOffset: text.length }),
      );
  };

  /** A section named `broken` breaks off; every other says its name and instruction. */
  const writeSections = (specs: readonly SectionSpec[]) =>
    specs.map(({ name, instruction }) =>
      create(SectionSchema, {
        name,
        text: `${name}: ${instruction} [1]`,
        ...(name === "broken"
          ? { failure: { code: "unavailable", reason: "STREAM_STALLED", message: "Ask again." } }
          : { finishReason: FinishReason.STOP }),
      }),
    );

  const answer = (
    { question, search }: { question: string; search?: SearchOptions | undefined },
    specs: readonly SectionSpec[],
  ): AnswerQuestionResponse => {
    const collection = collectionOf(search?.filter);
    const [best] = find(question, collection);
    const isRefused = !best || question.includes("모르는");
    const cited = best && !isRefused;
    return create(AnswerQuestionResponseSchema, {
      text: specs.length > 0 ? "" : cited ? `${best.text} [1]` : "문서에 답이 없습니다.",
      sections: writeSections(specs),
      citations: cited
        ? [
            {
              number: 1,
              documentId: best.documentId,
              title: best.title,
              text: best.text,
              startOffset: 100,
              endOffset: 100 + best.endOffset,
              highlights: question.includes("marked") ? [{ startOffset: 103, endOffset: 105 }] : [],
            },
          ]
        : [],
      finishReason: isRefused ? FinishReason.NO_ANSWER : FinishReason.STOP,
      answerer: { kind: AnswererKind.EXTRACTIVE },
      sources: reportsFor(search),
      degradations: question.includes("degraded")
        ? [{ hop: "retrieval.vector", reason: "CIRCUIT_OPEN", source: "corpus", message: "Vectors were left out." }]
        : [],
    });
  };

  const busy = () =>
    quartetError({
      code: Code.ResourceExhausted,
      reason: "OVERLOADED",
      message: "Too much at once. Try again shortly.",
      retryDelayMs: 20,
    });

  const down = () =>
    quartetError({ code: Code.Unavailable, reason: "UPSTREAM_FAILED", message: "The store is down. Try again later." });

  const routes = (router: ConnectRouter) => {
    router.service(DocumentService, {
      async putDocuments(request) {
        if (gateway.turnAway-- > 0) throw busy();
        if (++begun > gateway.failAfterPuts) throw down();
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
        gateway.puts.push(request.documents.length);
        return { results: request.documents.map(put) };
      },
      getDocument({ documentId }) {
        const document = documents.get(documentId);
        if (document) return { document };
        const message = "There is no such document.";
        throw quartetError({ code: Code.NotFound, reason: "NOT_FOUND", message });
      },
      listDocuments({ filter, pageSize, pageToken }) {
        const all = [...documents.values()]
          .filter(({ collection }) => [undefined, collection].includes(collectionOf(filter)))
          .sort((a, b) => (a.id < b.id ? -1 : 1));
        const start = Number(pageToken || 0);
        const size = Math.min(pageSize || 100, 3);
        const nextPageToken = start + size < all.length ? String(start + size) : "";
        return { documents: all.slice(start, start + size), nextPageToken };
      },
      countDocuments({ facet, prefix, filter, pageSize, pageToken }) {
        const found = [...documents.values()].filter(({ collection }) =>
          [undefined, collection].includes(collectionOf(filter)),
        );
        const values = found.flatMap(({ tags, taxonomyPath }) => (facet === DocumentFacet.TAG ? tags : [taxonomyPath]));
        const counts = [
          ...Map.groupBy(
            values.filter((value) => value.startsWith(prefix)),
            (value) => value,
          ),
        ]
          .map(([value, all]) => ({ value, documentCount: BigInt(all.length) }))
          .sort((a, b) => Number(b.documentCount - a.documentCount) || (a.value < b.value ? -1 : 1));
        const start = Number(pageToken || 0);
        const end = start + Math.min(pageSize, 2);
        return { counts: counts.slice(start, end), nextPageToken: end < counts.length ? String(end) : "" };
      },
      putGraph: ({ graph }) => putGraph(graph!),
      deleteEntities: ({ entityIds }) => ({ deletedCount: entityIds.filter((id) => entities.delete(id)).length }),
      deleteDocuments: ({ documentIds }) => ({ deletedCount: documentIds.filter((id) => documents.delete(id)).length }),
      listCollections() {
        const names = [...new Set([...documents.values()].map(({ collection }) => collection || "default"))];
        const isPending = gateway.pendingPolls-- > 0;
        return {
          collections: names.map((collection) => {
            const count = BigInt(
              [...documents.values()].filter((each) => (each.collection || "default") === collection).length,
            );
            return {
              state: { collection, recordSeq: 5n, projectedSeq: 5n },
              documentCount: count,
              passageCount: count,
              activeSpace: space,
              activeVectorCount: isPending ? count - 1n : count,
            };
          }),
        };
      },
    });
    router.service(SearchService, {
      searchPassages: ({ query, pageSize, options }) => ({
        sources: reportsFor(options),
        passages: find(query, collectionOf(options?.filter)).slice(0, pageSize || 10),
        degradations: query.includes("degraded")
          ? [{ hop: "retrieval.vector", reason: "CIRCUIT_OPEN", message: "Vectors were left out." }]
          : [],
      }),
      // Three passages a page.
      async *streamSearchPassages({ search, maxPassageCount }) {
        const all = find(search!.query, collectionOf(search!.options?.filter));
        const count = Math.min(all.length, maxPassageCount);
        for (let start = 0; start === 0 || start < count; start += 3) {
          const last = start + 3 >= count;
          if (search!.query.includes("broken") && start > 0) return;
          const degradations = search!.query.includes("degraded")
            ? [{ hop: "retrieval.vector", reason: "CIRCUIT_OPEN", message: "Vectors were left out." }]
            : [];
          const nextPageToken = last && all.length === count ? "" : "more";
          yield { page: { passages: all.slice(start, Math.min(count, start + 3)), degradations, nextPageToken }, last };
        }
      },
    });
    router.service(AnswerService, {
      answerQuestion(request) {
        if (request.question.includes("busy")) throw busy();
        return answer(request, request.sections);
      },
      async *streamAnswerQuestion({ answer: request }, { signal, responseHeader }) {
        responseHeader.set("x-request-id", "request-9");
        const { question = "", search, sections = [] } = request ?? {};
        const whole = answer({ question, search }, sections);
        for (const { name, text } of whole.sections.toReversed()) {
          yield { event: { case: "textDelta" as const, value: { section: name, text } } };
        }
        for (const section of whole.sections) yield { event: { case: "section" as const, value: section } };
        for (const value of whole.text.split(/(?<= )/u).filter(Boolean)) {
          yield { event: { case: "textDelta" as const, value: { text: value } } };
        }
        if (question.includes("endless")) {
          await once(signal, "abort");
          abandoned.resolve();
          throw signal.reason;
        }
        if (question.includes("broken")) {
          const message = "The model stopped in the middle. Ask again.";
          throw quartetError({ code: Code.Unavailable, reason: "STREAM_STALLED", message, retryDelayMs: 1_500 });
        }
        yield { event: { case: "answer" as const, value: whole } };
      },
    });
    const admit = ({ requestHeader }: HandlerContext) => {
      if (requestHeader.get("authorization") === `Bearer ${gateway.token}`) return;
      throw quartetError({
        code: Code.Unauthenticated,
        reason: "CREDENTIAL_INVALID",
        message: "Send a valid access token.",
      });
    };
    router.service(AccessTokenService, {
      createAccessToken({ accessToken }, context) {
        admit(context);
        const id = `token${gateway.accessTokens.length}`;
        const made = create(AccessTokenSchema, { ...accessToken!, id, createTime: timestampFromMs(0) });
        gateway.accessTokens.unshift(made);
        return { accessToken: made, secret: `qt_${id}_s3cret` };
      },
      listAccessTokens(_, context) {
        admit(context);
        return { accessTokens: gateway.accessTokens };
      },
      revokeAccessToken({ accessTokenId }, context) {
        admit(context);
        const token = gateway.accessTokens.find(({ id }) => id === accessTokenId);
        if (!token) throw quartetError({ code: Code.NotFound, reason: "NOT_FOUND", message: "There is none." });
        token.revokeTime = timestampFromMs(0);
        return { accessToken: token };
      },
    });
    router.service(OperationsService, {
      getPlatformStatus: (_, context) => {
        admit(context);
        return {
          status: {
            instances: [{ service: "retrieval", instance: "r-1", version: "0.1.0", ready: true, cpuRatio: 0.25 }],
            pools: [{ name: "postgres", size: 5, idleCount: 3, maxSize: 10 }],
            caches: [
              {
                ...{ level: CacheLevel.SEARCH_RESULTS, hitCount: 70n, missCount: 28n, coalescedCount: 2n },
                ...{ entryCount: 25n, byteCount: 3_145_728n, oldestAge: { seconds: 60n } },
              },
            ],
            counts: [
              { name: "section_characters", label: "summary", count: 4n, sum: 1_002 },
              { name: "section_seconds", label: "summary", count: 4n, sum: 2.6 },
              { name: "prompt_tokens_saved", label: "white_space", count: 9n, sum: 1_234 },
              { name: "passages_refused", label: "규정", count: BigInt(gateway.refusedPassages) },
            ],
            keys: gateway.keys,
            budgets: gateway.budgets,
            queues: [{ name: "outbox", waitingCount: 7n, oldestAge: { seconds: 90n } }],
            degradations: gateway.missing.map((hop) => ({
              hop,
              reason: "REPLICAS_MISSING",
              message: "1 of 2 replicas",
            })),
          },
        };
      },
      invalidateCache({ selector }, context) {
        admit(context);
        gateway.cleared.push(selector);
        const degradations = gateway.missing.map((hop) => ({ hop, reason: "REPLICAS_MISSING", message: "1 of 2" }));
        return { removedCount: 12n, degradations };
      },
      async *warmCache({ queries, frequentCount }, context) {
        admit(context);
        gateway.warmed.push(...queries);
        const totalCount = queries.length > 0 ? queries.length : Math.min(frequentCount, gateway.frequent);
        const failedCount = queries.filter((query) => query.includes("fails")).length;
        yield { totalCount };
        yield { doneCount: totalCount, failedCount, totalCount };
      },
      adviseIndexes: ({ statementCount }, context) => {
        admit(context);
        if (gateway.isEmbedded) {
          const message = "There is no PostgreSQL here to advise on: documents are kept in a folder.";
          throw quartetError({ code: Code.Unimplemented, reason: "NOT_ENABLED", message });
        }
        return {
          source: StatementSource.SERVICE,
          advice: [
            {
              statement: "SELECT id FROM purchase\nWHERE customer = $1",
              proposal: {
                case: "createIndexStatement",
                value: "CREATE INDEX CONCURRENTLY by_customer ON purchase (customer);",
              },
              explanation: "It finds the rows by customer.",
              elapsedBefore: { nanos: 64_000_000 },
              elapsedAfter: { nanos: 40_000 },
              planBefore: ["Gather", "  ->  Parallel Seq Scan on purchase", "a", "b", "c"].join("\n"),
              planAfter: "Index Scan using the_new_index on purchase\u001b[2J",
              callCount: 7n,
              indexBytes: 1_900_544n,
              sampledRatio: 0.25,
            },
          ],
          unadvised: [
            {
              statement: "SELECT 1",
              explanation: `One of ${statementCount}.`,
              callCount: 3n,
              meanElapsed: { seconds: 1n },
            },
          ],
        };
      },
      retryRefusedPassages({ collection }, context) {
        admit(context);
        if (collection === "nowhere") {
          const message = "There is no such collection.";
          throw quartetError({ code: Code.NotFound, reason: "NOT_FOUND", message });
        }
        const passageCount = BigInt(gateway.refusedPassages);
        gateway.refusedPassages = 0;
        return { passageCount };
      },
      async *rebuildIndex(_, context) {
        admit(context);
        for (const doneCount of [0n, 500n, 1000n]) {
          if (doneCount > gateway.rebuildFailsAfter) throw down();
          yield { doneCount, totalCount: 1000n };
        }
      },
    });
    router.service(CompressionService, {
      compressPassages({ passages, maxCharCount }) {
        let left = maxCharCount;
        const kept = passages.map((passage) => {
          const text = passage.text.slice(0, left);
          left -= text.length;
          return { ...passage, text };
        });
        return { passages: kept.filter(({ text }) => text !== "") };
      },
    });
  };

  const rpc = connectNodeAdapter({ routes });
  const server = createServer((request, response) => {
    if (request.url === "/readyz") response.end("ready\n");
    else rpc(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const gateway: FakeGateway = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    documents,
    graphs: [],
    waitingDocuments: 0,
    puts: [],
    mostPuts: () => most,
    turnAway: 0,
    failAfterPuts: Infinity,
    pendingPolls: 0,
    token: "qt_a_b",
    accessTokens: [],
    missing: [],
    keys: [],
    budgets: [],
    cleared: [],
    warmed: [],
    frequent: 0,
    rebuildFailsAfter: Infinity,
    refusedPassages: 0,
    isEmbedded: false,
    abandoned: abandoned.promise,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return gateway;
}
