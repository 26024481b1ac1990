import { readFile, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { StartError } from "@quartet/service";
import { type ModelSettings, readModelSettings, type SettingsFiles, settingsFiles } from "./model-settings.ts";

/** A model as somebody exported it. */
export interface ModelFolder {
  readonly settings: ModelSettings;
  /** The ONNX file's name in Quartet's own copy. */
  readonly modelFile: string;
  /** What to copy: the name there, and the path here. */
  readonly files: Readonly<Record<string, string>>;
}

/** Where exporters put the model; the first that is there. */
const modelFiles = ["model.onnx", "onnx/model.onnx"];

/**
 * Looks at a folder that sentence-transformers or optimum wrote.
 *
 * @throws {StartError} with one line that says what is missing or not supported
 */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const isThere = async (name: string) =>
    await stat(path.join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
  const first = async (names: readonly string[]) => {
    for (const name of names) if (await isThere(name)) return name;
    throw new StartError(`${folder} has no ${names[0]}. Give the folder of a sentence-transformer exported to ONNX.`);
  };
  const model = await first(modelFiles);
  const tokenizer = await first(["tokenizer.json"]);
  const parsed = await Promise.all(settingsFiles.map(async (name) => [name, await readJson(folder, name)] as const));
  const files = Object.fromEntries(parsed) as SettingsFiles;
  const used = settingsFiles.filter((name) => files[name] !== undefined);
  return {
    settings: readModelSettings(files),
    modelFile: path.basename(model),
    files: {
      ...Object.fromEntries(
        (await withWeights(folder, model)).map((file) => [path.basename(file), path.join(folder, file)]),
      ),
      ...Object.fromEntries([tokenizer, ...used].map((name) => [name, path.join(folder, name)])),
    },
  };
}

/** The ONNX file, and those beside it that hold weights of a model above 2 GB. */
async function withWeights(folder: string, model: string): Promise<string[]> {
  const beside = path.dirname(model);
  const names = await readdir(path.join(folder, beside));
  const base = path.basename(model);
  return names.filter((name) => name.startsWith(base)).map((name) => path.join(beside, name));
}

async function readJson(folder: string, name: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path.join(folder, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new StartError(`${path.join(folder, name)} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new StartError(`${path.join(folder, name)} is no JSON.`);
  }
}
