import { parseArgs } from "node:util";
import { type Environment, StartError, type TaskContext, UsageError } from "@quartet/service";
import { findRuntime, installCommand } from "../adapters/onnx/find-runtime.ts";
import { addModel, checkName, findDifference, listModels, removeModel } from "../adapters/onnx/model-store.ts";
import { type Config, modelsFolder, parseConfig } from "../config.ts";
import { proveModel } from "./prove-model.ts";
import { describe, type ModelReport } from "./model-report.ts";

const usage = `usage: models add PATH [--name NAME] [--query-prefix TEXT] [--document-prefix TEXT] [--json]
       models list [--verify] [--json]
       models remove NAME
It works on QUARTET_MODELS_DIR, else on models in QUARTET_DATA_DIR.`;

/**
 * What an operator does about local models. Servers read the folder when they start.
 *
 * @param note writes a line for people
 */
export function createModelsTask(args: readonly string[], note: (line: string) => void) {
  return async (environment: Environment, context: TaskContext): Promise<void> => {
    const { values, positionals } = parse(args);
    const [command, target, ...rest] = positionals;
    const config = parseConfig(environment);
    const folder = modelsFolder(config);
    if (folder === undefined)
      throw new StartError("QUARTET_DATA_DIR is :memory:, which keeps no models. Set QUARTET_MODELS_DIR to a folder.");
    const place = { config, folder, json: values.json ?? false, note, ...context };
    if (rest.length > 0) throw wrong("Too many arguments.");
    if (command === "list" && target === undefined) return await list(place, values.verify ?? false);
    if (command === "add" && target !== undefined) return await add(place, target, values);
    if (command === "remove" && target !== undefined) return await remove(place, target);
    throw wrong("No such command.");
  };
}

interface Place extends TaskContext {
  readonly config: Config;
  readonly folder: string;
  readonly json: boolean;
  readonly note: (line: string) => void;
}

interface AddValues {
  readonly name?: string | undefined;
  readonly "query-prefix"?: string | undefined;
  readonly "document-prefix"?: string | undefined;
}

async function add({ config, folder, json, note, print, signal }: Place, path: string, values: AddValues) {
  const { name, model, dimensions, device, milliseconds } = await proveModel(path, {
    config,
    modelsFolder: folder,
    name: values.name,
    prefixes: { query: values["query-prefix"], document: values["document-prefix"] },
    signal,
  });
  const { stored, isNew } = await addModel(folder, { name, dimensions, model, signal });
  const report = describe(stored, { inUse: true });
  if (json) return print(JSON.stringify(report));
  print(lineOf(report));
  note(`${isNew ? "Added" : "It was there already"}. One text took ${milliseconds.toFixed(0)} ms on ${device}.`);
  note(
    "Servers that start from now on use it, unless OPENAI_API_KEY or OPENAI_BASE_URL is set; what they have indexed is embedded anew in the background.",
  );
}

async function list({ folder, json, print, note, signal }: Place, verify: boolean) {
  const reports: ModelReport[] = [];
  for (const [index, stored] of listModels(folder).entries()) {
    const damaged = verify ? await findDifference(stored, signal) : undefined;
    reports.push(describe(stored, { inUse: index === 0, damaged }));
  }
  const runtime = findRuntime(folder);
  if (json) {
    const install = runtime === undefined ? { runtime_install: installCommand(folder) } : {};
    return print(JSON.stringify({ folder, runtime: runtime !== undefined, ...install, models: reports }));
  }
  for (const report of reports) print(lineOf(report));
  if (reports.length === 0) note(`There are no models in ${folder}. Add one with \`quartet models add PATH\`.`);
  if (runtime === undefined) note(`The ONNX runtime is not installed. Install it with: ${installCommand(folder)}`);
  const damaged = reports.find((report) => report.damaged_file !== undefined);
  if (damaged !== undefined)
    throw new StartError(
      `${damaged.name} is damaged: ${damaged.damaged_file} is not what was added. Remove it and add it again.`,
    );
}

async function remove({ folder, note }: Place, name: string) {
  checkName(name);
  await removeModel(folder, name);
  const [next] = listModels(folder);
  note(
    next === undefined
      ? `Removed ${name}.`
      : `Removed ${name}. ${next.manifest.name} is in use from the next start on.`,
  );
}

const lineOf = ({ name, in_use, dimensions, max_tokens, pooling, bytes, sha256 }: ModelReport): string =>
  [
    `${in_use ? "*" : " "} ${name}`,
    `${dimensions} dimensions`,
    `${max_tokens} tokens`,
    `${pooling} pooling`,
    `${(bytes / 1024 ** 2).toFixed(1)} MiB`,
    `sha256 ${sha256.slice(0, 12)}`,
  ].join("  ");

const wrong = (what: string): UsageError => new UsageError(`${what}\n${usage}`);

function parse(args: readonly string[]) {
  try {
    const options = {
      name: { type: "string" },
      "query-prefix": { type: "string" },
      "document-prefix": { type: "string" },
      verify: { type: "boolean" },
      json: { type: "boolean" },
    } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw wrong((error as Error).message);
  }
}
