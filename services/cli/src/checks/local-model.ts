import { stat } from "node:fs/promises";
import path from "node:path";
import { readOperatorCommand } from "../adapters/operator-process.ts";
import type { Context } from "../context.ts";
import { type Check, fail, ok, warn } from "../domain/check.ts";

/** What `models list --verify --json` says, as far as it is looked at. */
interface ModelsReport {
  readonly runtime: boolean;
  readonly runtime_install?: string;
  readonly models: readonly {
    readonly name: string;
    readonly dimensions: number;
    readonly damaged_file?: string;
  }[];
}

const name = "local model";
const noneAdded = "none added; none is needed";

/** Whether the model that was added last is as it was added, and whether there is a runtime for it. */
export async function checkLocalModel(context: Context): Promise<Check[]> {
  const { environment, dataDir } = context.config;
  const folder = path.resolve(
    context.workingDirectory,
    environment["QUARTET_MODELS_DIR"] || path.join(dataDir, "models"),
  );
  const isThere = await stat(folder).catch(() => undefined);
  // Most have none, and need not wait for a process to say so.
  if (isThere === undefined) return [ok(name, noneAdded)];
  let report: ModelsReport;
  try {
    report = JSON.parse(await readOperatorCommand(context, "models", ["list", "--verify", "--json"])) as ModelsReport;
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return [fail(name, `cannot be looked at: ${reason}`, "Correct what it names.")];
  }
  const [model] = report.models;
  if (model === undefined) return [ok(name, noneAdded)];
  const found = `${model.name}, ${model.dimensions} dimensions`;
  if (model.damaged_file !== undefined) {
    const advice = `Remove it with \`quartet models remove ${model.name}\` and add it again.`;
    return [fail(name, `${found}; ${model.damaged_file} is not what was added`, advice)];
  }
  if (!report.runtime)
    return [warn(name, `${found}; the ONNX runtime is not installed`, `Run: ${report.runtime_install}`)];
  return [ok(name, `${found}, as it was added`)];
}
