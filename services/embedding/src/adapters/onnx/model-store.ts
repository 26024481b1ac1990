import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { StartError, UsageError } from "@quartet/service";
import { type FileRecord, identityOf, type Manifest, manifestFile, parseManifest } from "./manifest.ts";
import type { ModelFolder } from "./model-folder.ts";

/** A model in the models' folder. */
export interface StoredModel {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Lies among the models, and is none: where onnxruntime-node may be installed. */
export const runtimeFolder = "runtime";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** @throws {StartError} unless a model may be called this */
export function checkName(name: string): void {
  if (namePattern.test(name) && name !== runtimeFolder) return;
  throw new UsageError(
    `"${name}" is no name of a model. Give one of 1 to 63 letters, digits, dots, hyphens and underscores with --name.`,
  );
}

/**
 * The models of a folder, the one that was added last first: that is the one in use. Synchronous, as it is done once at start.
 *
 * @throws {StartError} where one cannot be read: passed over, another embedder would take its place, and embed everything anew
 */
export function listModels(modelsFolder: string): StoredModel[] {
  return subfolders(modelsFolder)
    .flatMap((name) => {
      const folder = path.join(modelsFolder, name);
      const manifest = readManifest(folder);
      return manifest === undefined ? [] : [{ folder, manifest: { ...manifest, name } }];
    })
    .sort((a, b) => b.manifest.addTime.localeCompare(a.manifest.addTime));
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && namePattern.test(entry.name))
      .map(({ name }) => name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new StartError(`${folder} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** Undefined in a folder that is no model's. */
function readManifest(folder: string): Manifest | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(folder, manifestFile), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw damaged(folder);
  }
  const manifest = parseManifest(text);
  if (manifest === undefined) throw damaged(folder);
  return manifest;
}

const damaged = (folder: string) =>
  new StartError(
    `${path.join(folder, manifestFile)} is damaged. Remove the model with \`quartet models remove ${path.basename(folder)}\` and add it again.`,
  );

/**
 * Copies a model in, whole or not at all: until its last file is there it has another name. Adding the same again makes it the one in use.
 *
 * @throws {StartError} where another model, or something that is none, has the name
 */
export async function addModel(
  modelsFolder: string,
  { name, dimensions, model, signal }: AddOptions,
): Promise<{ readonly stored: StoredModel; readonly isNew: boolean }> {
  checkName(name);
  const folder = path.join(modelsFolder, name);
  const adding = path.join(modelsFolder, `.adding-${name}-${process.pid}`);
  const before = readManifest(folder);
  // What it takes the place of is removed: never what somebody else put there, such as the folder that is added itself.
  if (before === undefined && existsSync(folder))
    throw new StartError(`${folder} is there already, and is no model that was added. Give another name with --name.`);
  try {
    const files: Record<string, FileRecord> = {};
    for (const [file, source] of Object.entries(model.files)) {
      signal.throwIfAborted();
      const target = path.join(adding, file);
      await mkdir(path.dirname(target), { recursive: true });
      await copyFile(source, target);
      files[file] = await describeFile(target, signal);
    }
    const { settings, modelFile } = model;
    const manifest: Manifest = { name, addTime: new Date().toISOString(), dimensions, settings, modelFile, files };
    await writeFile(path.join(adding, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`);
    if (before !== undefined && identityOf(before) !== identityOf(manifest))
      throw new StartError(
        `There is another model named ${name}. Remove it with \`quartet models remove ${name}\`, or give --name.`,
      );
    await rm(folder, { recursive: true, force: true });
    await rename(adding, folder);
    return { stored: { folder, manifest }, isNew: before === undefined };
  } finally {
    await rm(adding, { recursive: true, force: true });
  }
}

export interface AddOptions {
  readonly name: string;
  /** As an embedding of it showed. */
  readonly dimensions: number;
  readonly model: ModelFolder;
  readonly signal: AbortSignal;
}

/** @throws {StartError} if there is none of this name */
export async function removeModel(modelsFolder: string, name: string): Promise<void> {
  const folder = path.join(modelsFolder, name);
  if (!existsSync(path.join(folder, manifestFile)))
    throw new StartError(`There is no model ${name} in ${modelsFolder}.`);
  await rm(folder, { recursive: true });
}

/** The first file that is not as it was when the model was added; undefined where all are. */
export async function findDifference(
  { folder, manifest }: StoredModel,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const [file, expected] of Object.entries(manifest.files)) {
    const found = await describeFile(path.join(folder, file), signal).catch(() => undefined);
    signal.throwIfAborted();
    if (found?.bytes !== expected.bytes || found.sha256 !== expected.sha256) return file;
  }
  return undefined;
}

async function describeFile(file: string, signal: AbortSignal): Promise<FileRecord> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash, { signal });
  return { bytes: (await stat(file)).size, sha256: hash.digest("hex") };
}
