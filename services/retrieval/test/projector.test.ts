import { afterEach, describe, expect, it } from "@jest/globals";
import { cutDocument, never } from "./contract/subject.ts";
import { createEngine } from "./fakes/engine.ts";
import { createMemoryRecord } from "./memory-record.ts";
import { ProjectionBusyError } from "../src/domain/projection.ts";
import { createProjector, type Projector, type ProjectorEvents } from "../src/domain/projector.ts";

describe("the projector", () => {
  const running: Projector[] = [];
  afterEach(async () => {
    await Promise.all(running.splice(0).map((projector) => projector.stop()));
  });

  function setUp(events: ProjectorEvents = {}, pollMs = 5) {
    const record = createMemoryRecord();
    const engine = createEngine();
    const projector = createProjector({ ...record, writer: engine.writer, events, pollMs, baseBackOffMs: 1 });
    running.push(projector);
    const put = (...ids: string[]) =>
      record.records.putDocuments(
        "t",
        ids.map((id) => cutDocument(id)),
        never,
      );
    const until = async (holds: () => boolean | Promise<boolean>) => {
      for (const end = Date.now() + 15_000; !(await holds());) {
        if (Date.now() > end) throw new Error("did not come about");
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    return { record, engine, projector, put, until };
  }
  const isSettled = async ({ outbox }: ReturnType<typeof createMemoryRecord>) =>
    (await outbox.lag(never)).waitingCount === 0;

  it("brings what waits, and what comes, and says so in the collections", async () => {
    const { record, engine, projector, put, until } = setUp();
    await put("a", "b");
    projector.start();
    await until(() => isSettled(record));
    await put("c");
    await record.records.deleteDocuments("t", ["a"], never);
    await until(() => isSettled(record));
    expect(engine.found().sort()).toEqual(["b", "c"]);
    expect((await record.records.collections("t", never))[0]!.state).toMatchObject({ recordSeq: 4, projectedSeq: 4 });
    expect(projector.counts).toMatchObject({ deadLetterCount: 0, runningCount: 0 });
  });

  it("does not wait for its next look when it is told", async () => {
    const { engine, projector, put, until } = setUp({}, 2 ** 30);
    projector.start();
    await until(async () => (await engine.writer.serving(never)) !== undefined);
    await put("a");
    projector.notify();
    await until(() => engine.found().length === 1);
  });

  it("never gives up, loses nothing and writes nothing twice", async () => {
    const waits: number[] = [];
    const { record, engine, projector, put, until } = setUp({ failed: (_, waitMs) => waits.push(waitMs) });
    projector.start();
    await until(async () => (await engine.writer.serving(never)) !== undefined);
    engine.failWith(() => (waits.length < 5 ? new ProjectionBusyError("engine") : undefined));
    const ids = Array.from({ length: 500 }, (_, index) => `d${index}`);
    for (const id of ids) await put(id);
    await until(() => isSettled(record));
    expect(engine.found().sort()).toEqual(ids.sort());
    expect(engine.writes).toHaveLength(500);
    expect(waits).toHaveLength(5);
    expect(Math.max(...waits)).toBeLessThanOrEqual(16);
  });

  it("goes on past what is refused, and tells it", async () => {
    const refused: string[] = [];
    const { record, engine, projector, put, until } = setUp({ refused: ({ reason }) => refused.push(reason) });
    projector.start();
    await until(async () => (await engine.writer.serving(never)) !== undefined);
    await put("a", "poison", "b");
    await until(() => isSettled(record));
    expect(engine.found().sort()).toEqual(["a", "b", "poison"]);
    expect([refused, projector.counts.deadLetterCount]).toEqual([["no"], 1]);
  });

  it("gives up a document that a defect of ours keeps out, and no other, and never for an engine that is away", async () => {
    const refused: string[] = [];
    let attempts = 0;
    const { record, engine, projector, put, until } = setUp({ refused: ({ documentId }) => refused.push(documentId) });
    const { write } = engine.writer;
    projector.start();
    await until(async () => (await engine.writer.serving(never)) !== undefined);
    engine.writer.write = async (indexes, changes, options) => {
      attempts += 1;
      if (attempts < 12) throw new ProjectionBusyError("engine");
      if (changes.some(({ documentId, current }) => documentId === "bug" && current)) throw new TypeError("a defect");
      return write(indexes, changes, options);
    };
    await put("a", "bug", "b");
    await until(() => isSettled(record));
    expect(engine.found().sort()).toEqual(["a", "b"]);
    expect(refused).toEqual(["bug"]);
  });

  it("builds an index that was lost", async () => {
    const { record, engine, projector, put, until } = setUp();
    await put("a");
    projector.start();
    await until(() => engine.found().length === 1);
    await until(() => isSettled(record));
    engine.lose();
    await put("b");
    await until(() => engine.found().length === 2);
  });

  it("stops while it waits after a failure", async () => {
    const failed = Promise.withResolvers<void>();
    const { engine, projector, put } = setUp({ failed: () => failed.resolve() });
    await put("a");
    engine.failWith(() => new ProjectionBusyError("engine"));
    projector.start();
    await failed.promise;
    await projector.stop();
  });
});
