import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { FolderInUseError } from "../src/adapters/embedded/folder-lock.ts";
import { type EmbeddedStore, openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import type { Collection } from "../src/domain/collection.ts";
import { findByWords, never } from "./contract/subject.ts";
import { generatedSpace, generatedVector } from "./generated-document.ts";

const rounds = 20;
const child = fileURLToPath(new URL("indexing-child.ts", import.meta.url));

describe("kill -9 during indexing", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "quartet-kill-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Lets a process index until it has acknowledged that many lines, and kills it. Gives what it acknowledged. */
  const indexAndKill = async (round: number, lines: number): Promise<string[]> => {
    const indexing = spawn(process.execPath, ["--conditions=@quartet/source", child, folder, String(round)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {},
    });
    let output = "";
    indexing.stdout.setEncoding("utf8");
    for await (const chunk of indexing.stdout) {
      output += String(chunk);
      if (output.split("\n").length > lines) indexing.kill("SIGKILL");
    }
    // A line that was cut off was not told to anybody.
    return output.split("\n").slice(0, -1);
  };

  const check = async (store: EmbeddedStore, acknowledged: ReadonlyMap<number, number>): Promise<void> => {
    const query = { filter: undefined, afterId: undefined, limit: 100, maxTextBytes: 1e9 };
    const { documents } = await store.records.listDocuments("default", query, never);
    const rounds = new Map(documents.map(({ document }) => [document.id, document.metadata["round"] as number]));
    for (const [number, round] of acknowledged) {
      // What was written but not yet acknowledged may be there too.
      expect(rounds.get(`document-${number}`)).toBeGreaterThanOrEqual(round);
    }
    for (const { document, text } of documents) {
      const round = rounds.get(document.id)!;
      expect(text).toContain(`marker${round}x`);
      const found = (await findByWords(store, "default", `marker${round}x`)).filter((id) => id === document.id);
      expect(found).toHaveLength(document.passageCount);
    }
    const [collection] = await store.records.collections("default", never);
    const passageCount = documents.reduce((sum, { document }) => sum + document.passageCount, 0);
    expect(collection).toMatchObject({ documentCount: documents.length, passageCount });
    await checkVectors(store, collection!);
  };

  /** What is counted while vectors are read is what is found afterwards, and what lacks one is to be made. */
  const checkVectors = async (store: EmbeddedStore, { active, passageCount }: Collection): Promise<void> => {
    const vectorCount = active?.vectorCount ?? 0;
    const scope = { spaceId: generatedSpace.id, filter: undefined };
    const query = { ...scope, collections: ["default"], vector: generatedVector, limit: 10_000 };
    expect((await store.vectors.search("default", query, never)).hits).toHaveLength(vectorCount);
    const lacking = { ...scope, collection: "default", documentIds: [], afterPassageId: 0, limit: 1 };
    const { contents } = await store.vectors.missing("default", lacking, never);
    expect(contents).toHaveLength(vectorCount < passageCount ? 1 : 0);
  };

  it(`keeps every acknowledged document, none by half, ${rounds} times`, async () => {
    const acknowledged = new Map<number, number>();
    for (let round = 1; round <= rounds; round += 1) {
      for (const line of await indexAndKill(round, 1 + ((round * 7) % 30))) {
        const [number, at] = line.split(" ").map(Number) as [number, number];
        acknowledged.set(number, Math.max(at, acknowledged.get(number) ?? 0));
      }
      const store = await openEmbeddedStore({ folder });
      await check(store, acknowledged).finally(() => store.close());
    }
    expect(acknowledged.size).toBeGreaterThan(20);
  }, 600_000);

  it("keeps a second store out, in this process or another, and lets it in afterwards", async () => {
    const store = await openEmbeddedStore({ folder });
    await expect(openEmbeddedStore({ folder })).rejects.toThrow(FolderInUseError);
    const second = spawn(process.execPath, ["--conditions=@quartet/source", child, folder, "99"], {
      stdio: ["ignore", "ignore", "pipe"],
      env: {},
    });
    let text = "";
    for await (const chunk of second.stderr) text += String(chunk);
    expect(text).toContain(`The data folder ${folder} is in use by another process.`);
    await store.close();
    await (await openEmbeddedStore({ folder })).close();
  }, 60_000);
});
