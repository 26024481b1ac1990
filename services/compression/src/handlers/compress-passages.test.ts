import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { CompressionService } from "@quartet/contracts/compression/v1/compression_service";
import { CompressionStrategy } from "@quartet/contracts/type/v1/answer";
import { PassageSchema, SpanSchema } from "@quartet/contracts/type/v1/passage";
import { reasonOf, violationsOf } from "@quartet/errors";
import { createClient, createGrpcTransport, createInMemoryTransport, createRpcServer } from "@quartet/rpc";
import { codePointLength, sliceByCodePoints } from "@quartet/text";
import { createModule } from "../app.ts";

const { routes } = createModule();
const client = createClient(CompressionService, createInMemoryTransport(routes, { validate: true }));

const text = "다리는 1932년에 지어졌다. 😀 회색으로 칠해져 있다. 통행료는 3유로이다. The bridge is closed in storms.";
/** The passage begins at character 100 of its document. */
const passage = create(PassageSchema, {
  documentId: "다리",
  title: "다리 안내",
  text,
  score: 0.8,
  startOffset: 100,
  endOffset: 100 + codePointLength(text),
  hits: [{ source: "corpus", rank: 1 }],
  tags: ["city"],
});

describe("CompressPassages", () => {
  it("shortens a passage and says where in the document its text stands", async () => {
    const { passages, keptCharCount, originalCharCount, strategy } = await client.compressPassages({
      passages: [passage],
      question: "통행료는 얼마인가? Is it closed in storms?",
      maxCharCount: 50,
    });
    expect(strategy).toBe(CompressionStrategy.EXTRACTIVE);
    expect(originalCharCount).toBe(codePointLength(text));
    const [kept] = passages;
    expect(kept).toMatchObject({ documentId: "다리", title: "다리 안내", tags: ["city"], hits: [], startOffset: 100 });
    expect(kept!.text).toBe("통행료는 3유로이다. The bridge is closed in storms.");
    expect(keptCharCount).toBe(codePointLength(kept!.text));
    const [span] = kept!.keptSpans;
    expect(sliceByCodePoints(text, span!.startOffset - 100, span!.endOffset - 100)).toBe(kept!.text);
  });

  it("leaves what fits as it came, but for what the legs said", async () => {
    const { passages } = await client.compressPassages({ passages: [passage], question: "통행료" });
    expect(passages).toEqual([create(PassageSchema, { ...passage, hits: [] })]);
  });

  it("maps back through passages that were shortened before", async () => {
    const once = await client.compressPassages({ passages: [passage], question: "1932 통행료", maxCharCount: 30 });
    expect(once.passages[0]!.keptSpans).toHaveLength(2);
    const twice = await client.compressPassages({ passages: once.passages, question: "통행료", maxCharCount: 15 });
    expect(twice.passages[0]!.text).toBe("통행료는 3유로이다.");
    expect(twice.passages[0]!.keptSpans).toEqual([once.passages[0]!.keptSpans[1]]);
  });

  it("takes the seed's rule when asked for, or without a question", async () => {
    const asked = {
      passages: [passage],
      strategy: CompressionStrategy.SEED_RULE,
      question: "storms",
      maxCharCount: 40,
    };
    for (const request of [asked, { passages: [passage], maxCharCount: 40 }]) {
      const { passages, strategy } = await client.compressPassages(request);
      expect(strategy).toBe(CompressionStrategy.SEED_RULE);
      expect(passages[0]!.text.startsWith("다리는 1932년에 지어졌다.")).toBe(true);
    }
  });

  it("refuses offsets that do not fit the text, naming each", async () => {
    const short = create(PassageSchema, { ...passage, endOffset: passage.endOffset - 1 });
    const spans = create(PassageSchema, {
      ...passage,
      keptSpans: [create(SpanSchema, { startOffset: 100, endOffset: 105 })],
    });
    const error = await client
      .compressPassages({ passages: [passage, short, spans] })
      .catch((thrown: unknown) => thrown);
    expect(reasonOf(error)).toBe("FIELD_INVALID");
    expect(violationsOf(error).map(({ field }) => field)).toEqual(["passages[1].end_offset", "passages[2].kept_spans"]);
  });

  it("refuses what the contract refuses", async () => {
    for (const request of [{ passages: [] }, { passages: [passage], maxCharCount: -1 }]) {
      const error = await client.compressPassages(request).catch((thrown: unknown) => thrown);
      expect(reasonOf(error)).toBe("FIELD_INVALID");
    }
  });

  it("answers the same over gRPC", async () => {
    const server = createRpcServer().mount(routes);
    const { port } = await server.listen({ port: 0 });
    const transport = createGrpcTransport({ target: `127.0.0.1:${port}` });
    try {
      const request = { passages: [passage], question: "통행료", maxCharCount: 30 };
      const overGrpc = await createClient(CompressionService, transport).compressPassages(request);
      expect(overGrpc).toEqual(await client.compressPassages(request));
    } finally {
      transport.close();
      await server.drain({ limitMs: 1_000 });
    }
  });
});
