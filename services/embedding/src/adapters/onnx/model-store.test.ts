import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { identityOf } from "./manifest.ts";
import { readModelFolder } from "./model-folder.ts";
import { addModel, findDifference, listModels, removeModel } from "./model-store.ts";

let home: string;
let models: string;
beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "quartet-models-"));
  models = path.join(home, "data", "models");
});
afterEach(async () => await rm(home, { recursive: true }));

const { signal } = new AbortController();

/** A model's folder as somebody exported it. */
async function exported(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = path.join(home, name);
  const all = { "model.onnx": `weights of ${name}`, "tokenizer.json": "{}", ...files };
  for (const [file, text] of Object.entries(all)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
  return folder;
}

const add = async (folder: string, name = path.basename(folder)) =>
  await addModel(models, { name, dimensions: 2, model: await readModelFolder(folder), signal });

const names = () => listModels(models).map(({ manifest }) => manifest.name);

describe("models that were added", () => {
  it("are none where there is no folder, and the last one added comes first", async () => {
    expect(names()).toEqual([]);
    const [one, two] = [await exported("one"), await exported("two")];
    await add(one);
    await add(two);
    expect(names()).toEqual(["two", "one"]);
    // Times are in milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await add(one)).isNew).toBe(false);
    expect(names()).toEqual(["one", "two"]);
    await removeModel(models, "one");
    expect(names()).toEqual(["two"]);
    await expect(removeModel(models, "one")).rejects.toThrow("There is no model one");
  });

  it("are copied whole, weights beside the ONNX file as well, and nothing else", async () => {
    const folder = await exported("large", {
      "model.onnx_data": "more",
      "1_Pooling/config.json": "{}",
      "README.md": "no",
      "pytorch_model.bin": "no",
    });
    const { stored } = await add(folder);
    expect(Object.keys(stored.manifest.files).sort()).toEqual([
      "1_Pooling/config.json",
      "model.onnx",
      "model.onnx_data",
      "tokenizer.json",
    ]);
    expect(await findDifference(stored, signal)).toBeUndefined();
    expect(await readdir(models)).toEqual(["large"]);
  });

  it("are not what was added when a file changed, is cut, or is gone", async () => {
    const { stored } = await add(await exported("one"));
    const file = path.join(stored.folder, "model.onnx");
    await writeFile(file, "weights of onE");
    expect(await findDifference(stored, signal)).toBe("model.onnx");
    await writeFile(file, "weights");
    expect(await findDifference(stored, signal)).toBe("model.onnx");
    await rm(file);
    expect(await findDifference(stored, signal)).toBe("model.onnx");
  });

  it("do not take another's name, nor one that is no folder's", async () => {
    await add(await exported("one"));
    await expect(add(await exported("two"), "one")).rejects.toThrow("another model named one");
    for (const name of ["../x", "runtime", ".hidden", "", "a b"])
      await expect(add(path.join(home, "two"), name)).rejects.toThrow("no name of a model");
    expect(names()).toEqual(["one"]);
    expect(await readdir(models)).toEqual(["one"]);
  });

  it("never take the place of what somebody else put among them, least of all of what is added", async () => {
    const own = await exported(path.join("data", "models", "own"), { "pytorch_model.bin": "the only copy" });
    await expect(add(own)).rejects.toThrow("is no model that was added");
    expect((await readdir(own)).sort()).toEqual(["model.onnx", "pytorch_model.bin", "tokenizer.json"]);
    await add(own, "copy");
    expect(names()).toEqual(["copy"]);
  });

  it("are named where what says what they are is damaged, and can be removed", async () => {
    const { stored } = await add(await exported("one"));
    const whole = JSON.stringify(stored.manifest);
    const nulled = ["settings", "files"].map((part) => JSON.stringify({ ...stored.manifest, [part]: null }));
    for (const text of ["", "{", "[]", '{"name":"one"}', whole.slice(0, -1), ...nulled]) {
      await writeFile(path.join(stored.folder, "quartet-model.json"), text);
      expect(names).toThrow(/damaged\. Remove the model with `quartet models remove one`/);
    }
    await removeModel(models, "one");
    expect(names()).toEqual([]);
  });

  it("have one identity for what decides over vectors, whatever they are called", async () => {
    const [one, same] = [await exported("one"), await exported("same", { "model.onnx": "weights of one" })];
    const other = await exported("other", { "model.onnx": "weights of one", "tokenizer.json": "[]" });
    const [first, second, third] = [await add(one), await add(same), await add(other)].map(({ stored }) =>
      identityOf(stored.manifest),
    );
    expect(first).toBe(second);
    expect(third).not.toBe(first);
    const { manifest } = listModels(models)[0]!;
    expect(identityOf({ ...manifest, settings: { ...manifest.settings, pooling: "cls" } })).not.toBe(
      identityOf(manifest),
    );
  });
});

describe("readModelFolder", () => {
  it("finds the model where exporters put it", async () => {
    const folder = await exported("optimum", { "onnx/model.onnx": "weights" });
    await rm(path.join(folder, "model.onnx"));
    expect(await readModelFolder(folder)).toMatchObject({
      modelFile: "model.onnx",
      files: { "model.onnx": path.join(folder, "onnx", "model.onnx") },
    });
  });

  it("says in one line what is missing", async () => {
    const folder = await exported("broken", { "config.json": "{" });
    await expect(readModelFolder(folder)).rejects.toThrow("config.json is no JSON.");
    await rm(path.join(folder, "tokenizer.json"));
    await expect(readModelFolder(folder)).rejects.toThrow("has no tokenizer.json");
    await expect(readModelFolder(path.join(home, "nowhere"))).rejects.toThrow("has no model.onnx");
  });
});
