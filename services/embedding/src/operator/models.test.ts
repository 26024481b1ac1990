import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { addModel, listModels } from "../adapters/onnx/model-store.ts";
import { createModelsTask } from "./models.ts";

let folder: string;
beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), "quartet-models-"))));
afterEach(async () => await rm(folder, { recursive: true }));

const { signal } = new AbortController();

async function run(args: readonly string[], environment: Record<string, string> = { QUARTET_MODELS_DIR: folder }) {
  const lines: string[] = [];
  const notes: string[] = [];
  const task = createModelsTask(args, (line) => notes.push(line));
  const error = await task(environment, { signal, print: (line) => lines.push(line) }).then(
    () => undefined,
    (thrown: Error) => thrown.message,
  );
  return { lines, notes: notes.join("\n"), error };
}

/** One that was added, of a file of the project's own: what is in it does not matter here. */
async function addAny(name: string): Promise<void> {
  const settings = {
    pooling: "mean",
    prefixes: { query: "query: ", document: "" },
    maxTokens: 128,
    lowercase: false,
    padToken: undefined,
  } as const;
  const source = new URL(import.meta.url).pathname;
  const model = { settings, modelFile: "model.onnx", files: { "model.onnx": source, "tokenizer.json": source } };
  await addModel(folder, { name, dimensions: 8, model, signal });
}

describe("quartet models", () => {
  it("says how it is used where it is told something else", async () => {
    for (const args of [[], ["add"], ["list", "x"], ["remove"], ["remove", "a", "b"], ["--nonsense"]])
      expect((await run(args)).error).toMatch(/\nusage: models add PATH/);
  });

  it("needs a folder", async () => {
    expect((await run(["list"], { QUARTET_DATA_DIR: ":memory:" })).error).toMatch(/QUARTET_MODELS_DIR/);
  });

  it("lists none, and says what to install and do", async () => {
    const { lines, notes, error } = await run(["list"]);
    expect([lines, error]).toEqual([[], undefined]);
    expect(notes).toContain("Add one with `quartet models add PATH`");
  });

  it("lists models, the one in use first and marked, and removes them", async () => {
    await addAny("one");
    // Times are in milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await addAny("two");
    expect((await run(["list", "--verify"])).lines).toEqual([
      expect.stringMatching(/^\* two {2}8 dimensions {2}128 tokens {2}mean pooling/),
      expect.stringMatching(/^ {2}one/),
    ]);
    const [json = ""] = (await run(["list", "--json"])).lines;
    expect(JSON.parse(json)).toMatchObject({
      folder,
      models: [
        { name: "two", in_use: true, query_prefix: "query: " },
        { name: "one", in_use: false },
      ],
    });
    expect((await run(["remove", "two"])).notes).toBe("Removed two. one is in use from the next start on.");
    expect((await run(["remove", "one"])).notes).toBe("Removed one.");
    expect((await run(["remove", "one"])).error).toBe(`There is no model one in ${folder}.`);
    expect((await run(["remove", "../x"])).error).toMatch(/no name of a model/);
    expect(listModels(folder)).toEqual([]);
  });
});
