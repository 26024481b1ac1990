import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createQuartetClient, LegStatus, type QuartetClient, SourceKind, type SourceReport } from "@quartet/client";
import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import { createClient as createGrpcClient, createGrpcTransport } from "@quartet/rpc";
import { runNode, temporaryFolder } from "../src/processes.ts";

const services = (command: string, dataDir: string) =>
  runNode(["deploy/local/services.mjs", command], {
    QUARTET_PORT: "0",
    QUARTET_DATA_DIR: dataDir,
    QUARTET_SOURCES: "corpus hybrid; archive keyword collections=archive weight=0.5",
  });

describe("npm run services", () => {
  let data: Awaited<ReturnType<typeof temporaryFolder>>;
  let address: string;
  let quartet: QuartetClient;

  beforeAll(async () => {
    data = await temporaryFolder();
    const { code, stdout, stderr } = await services("start", data.path);
    if (code !== 0) throw new Error(`${stdout}\n${stderr}`);
    address = /gateway +up +(\S+)/.exec(stdout)?.[1] ?? "";
    quartet = createQuartetClient({ baseUrl: `http://${address}` });
  }, 60_000);
  afterAll(async () => {
    await services("stop", data.path);
    await data[Symbol.asyncDispose]();
  }, 60_000);

  it("puts, searches and answers across five processes", async () => {
    await quartet.documents.putDocuments({
      documents: [{ id: "leave", title: "휴가 규정", text: "연차 휴가는 1년에 15일입니다. 신청은 사흘 전에 합니다." }],
      wait: 2,
    });
    const answer = await quartet.answers.answerQuestion({ question: "연차 휴가는 며칠입니까?" });
    expect(answer.text).toContain("15일");
    expect(answer.citations[0]).toMatchObject({ number: 1, documentId: "leave", title: "휴가 규정" });
    expect(answer.degradations).toEqual([]);
  });

  it("tells of each source how it went, in searches and answers, and which there are", async () => {
    const reports = (sources: readonly SourceReport[]) =>
      sources.map(({ source, kind, status, reason, weight }) => [source, kind, status, reason, weight]);
    const expected = [
      ["corpus", SourceKind.HYBRID, LegStatus.OK, "", 1],
      ["archive", SourceKind.KEYWORD, LegStatus.SKIPPED, "COLLECTION_MISSING", 0.5],
    ];
    expect(reports((await quartet.search.searchPassages({ query: "연차" })).sources)).toEqual(expected);
    expect(reports((await quartet.answers.answerQuestion({ question: "연차?" })).sources)).toEqual(expected);
    const post = (body: unknown) =>
      fetch(`http://${address}/api/v1/search`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const named = (await (await post({ query: "연차", options: { sources: ["corpus"] } })).json()) as object;
    expect(named).toMatchObject({ sources: [{ source: "corpus", status: "LEG_STATUS_OK" }] });
    const unknown = await post({ query: "연차", options: { sources: ["people"] } });
    expect(unknown.status).toBe(400);
    expect(await unknown.json()).toMatchObject({
      message: expect.stringContaining("people is not configured; there is corpus, archive"),
    });
  });

  it("answers over gRPC on the gateway's port as well", async () => {
    const transport = createGrpcTransport({ target: address });
    const answer = await createGrpcClient(AnswerService, transport).answerQuestion({
      question: "연차 휴가는 며칠입니까?",
    });
    expect(answer.text).toContain("15일");
    transport.close();
  });

  it("shows all five as up, and ends them", async () => {
    const { code, stdout } = await services("status", data.path);
    expect(code).toBe(0);
    for (const name of ["embedding", "retrieval", "compression", "generation", "gateway"]) {
      expect(stdout).toMatch(new RegExp(`^${name} +up`, "m"));
    }
    expect((await services("stop", data.path)).code).toBe(0);
    expect((await services("status", data.path)).code).toBe(3);
  }, 60_000);
});
