import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, expect, it } from "@jest/globals";
import type { SearchPassagesResponse } from "@quartet/contracts/retrieval/v1/retrieval_service";
import { Execution, LegStatus } from "@quartet/contracts/type/v1/search";
import { reasonOf } from "@quartet/errors";
import { describeWithStores } from "@quartet/testing/jest";
import { type Cluster, errorOf, idsOf, leftOut, openCluster, sample } from "./cluster.ts";
import { until } from "./retrieval-process.ts";

const statuses: Readonly<Partial<Record<LegStatus, string>>> = {
  [LegStatus.OK]: "OK",
  [LegStatus.PARTIAL]: "PARTIAL",
  [LegStatus.FAILED]: "FAILED",
  [LegStatus.SKIPPED]: "SKIPPED",
};

/** Over gRPC, as the gateway asks: one process, four sources, two of them in the same Elasticsearch. */
describeWithStores("several sources of the retrieval service", ["postgres", "elasticsearch"], (stores) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await openCluster(stores, {
      QUARTET_RETRIEVAL_LEG_TIMEOUT: "10s",
      QUARTET_SOURCES: `corpus hybrid collections=default
        persona keyword collections=persona weight=0.5 timeout=1s
        archive keyword collections=archive default=off
        future keyword collections=future`,
    });
    await cluster.heal();
    await cluster.put([
      ...sample,
      { id: "persona-cats", text: "Cats of this persona like boxes.", collection: "persona" },
      { id: "archive-cats", text: "Cats of an archive sleep on paper.", collection: "archive" },
    ]);
  }, 120_000);
  afterAll(async () => cluster?.[Symbol.asyncDispose](), 60_000);
  afterEach(async () => {
    await cluster.heal();
    expect(cluster.service.isAlive()).toBe(true);
  }, 60_000);

  const reports = ({ sources }: SearchPassagesResponse) =>
    sources.map(({ source, status, reason }) => [source, statuses[status], reason]);
  const future = ["future", "SKIPPED", "COLLECTION_MISSING"];

  it("finds in all that are on by default, and calls a collection that is not there yet no failure", async () => {
    const answer = await cluster.search("cats");
    expect(reports(answer)).toEqual([["corpus", "OK", ""], ["persona", "OK", ""], future]);
    expect(leftOut(answer)).toEqual([]);
    expect(idsOf(answer)).toEqual(expect.arrayContaining(["cats", "persona-cats"]));
    expect(idsOf(answer)).not.toContain("archive-cats");
    expect(answer.sources.map(({ weight }) => weight)).toEqual([1, 0.5, 1]);
    const inTurn = await cluster.search("cats", { options: { execution: Execution.SEQUENTIAL } });
    expect([idsOf(inTurn), reports(inTurn)]).toEqual([idsOf(answer), reports(answer)]);
  });

  it("asks what is named, and names what there is to somebody who names something else", async () => {
    const answer = await cluster.search("cats", { options: { sources: ["archive"] } });
    expect([reports(answer), idsOf(answer)]).toEqual([[["archive", "OK", ""]], ["archive-cats"]]);
    const error = await errorOf(cluster.search("cats", { options: { sources: ["archive", "people"] } }));
    expect([error.code, reasonOf(error)]).toEqual([Code.InvalidArgument, "SOURCE_UNKNOWN"]);
    expect(error.message).toContain(
      "options.sources: people is not configured; there is corpus, persona, archive, future",
    );
  });

  it("goes on without one that fails, and names it", async () => {
    cluster.searches.set({ kind: "status", status: 500, type: "internal_server_error" }, "persona");
    const answer = await cluster.search("cats");
    expect(reports(answer)).toEqual([["corpus", "OK", ""], ["persona", "FAILED", "UPSTREAM_FAILED"], future]);
    expect(answer.failures).toMatchObject([{ hop: "retrieval.keyword", source: "persona", reason: "UPSTREAM_FAILED" }]);
    expect(idsOf(answer)[0]).toBe("cats");
  }, 60_000);

  it("goes on without one that hangs, for its own time, until its own breaker opens and no other", async () => {
    cluster.searches.set({ kind: "hang" }, "persona");
    const answer = await cluster.search("cats");
    expect(reports(answer)).toEqual([["corpus", "OK", ""], ["persona", "FAILED", "OUT_OF_TIME"], future]);
    expect(idsOf(answer)[0]).toBe("cats");
    const refused = await until(
      "the breaker of the source opens",
      () => cluster.search("cats"),
      ({ sources }) => sources[1]!.reason === "CIRCUIT_OPEN",
      60_000,
    );
    expect(reports(refused)).toEqual([["corpus", "OK", ""], ["persona", "SKIPPED", "CIRCUIT_OPEN"], future]);
    const searches = cluster.searches.searchCount;
    expect(leftOut(await cluster.search("cats"))).toEqual(["retrieval.keyword CIRCUIT_OPEN"]);
    expect(cluster.searches.searchCount).toBe(searches + 1);
  }, 120_000);

  it("finds by vectors alone when Elasticsearch is away for all of them", async () => {
    await cluster.index.set({ kind: "refuse" });
    const answer = await cluster.search("cats");
    expect(reports(answer)).toEqual([
      ["corpus", "PARTIAL", "UPSTREAM_FAILED"],
      ["persona", "FAILED", "UPSTREAM_FAILED"],
      future,
    ]);
    expect(idsOf(answer)[0]).toBe("cats");
  }, 60_000);
});
