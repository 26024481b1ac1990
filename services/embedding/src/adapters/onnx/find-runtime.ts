import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { StartError } from "@quartet/service";
import { runtimeFolder } from "./model-store.ts";
import type { Device } from "./protocol.ts";

/** The release of onnxruntime-node that this was tried with; also in package.json. */
export const runtimePackage = "onnxruntime-node@1.30.0";

/**
 * The main file of onnxruntime-node: beside the project's packages, else in the models' folder. It is no dependency: it takes 300 MB, and without a
 * local model nobody needs it.
 */
export function findRuntime(modelsFolder: string): string | undefined {
  for (const from of [import.meta.url, path.join(path.resolve(modelsFolder), runtimeFolder, "package.json")]) {
    try {
      return createRequire(from).resolve("onnxruntime-node");
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** What to run where it is missing. */
export const installCommand = (modelsFolder: string): string =>
  `npm install --prefix ${path.join(modelsFolder, runtimeFolder)} --ignore-scripts ${runtimePackage}`;

/** @throws {StartError} with the command that installs it */
export function requireRuntime(modelsFolder: string): string {
  const found = findRuntime(modelsFolder);
  if (found !== undefined) return found;
  throw new StartError(
    `A local model needs the ONNX runtime, which is not installed. Install it once (114 MB): ${installCommand(modelsFolder)}`,
  );
}

/**
 * Where to compute, in the order to try. With `auto` the GPU is tried only where its part of the runtime was installed: the runtime itself would complain on
 * standard error.
 */
export function devicesFor(device: "auto" | Device, runtime: string): readonly [Device, ...Device[]] {
  if (device !== "auto") return [device];
  return hasCuda(runtime) ? ["cuda", "cpu"] : ["cpu"];
}

function hasCuda(runtime: string): boolean {
  const root = path.join(path.dirname(runtime), "..");
  const folder = path.join(root, "bin", "napi-v6", process.platform, process.arch);
  return existsSync(path.join(folder, "libonnxruntime_providers_cuda.so"));
}
