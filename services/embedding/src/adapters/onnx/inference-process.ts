/**
 * The process that computes with a model, and nothing else. It answers its parent's requests one after the other, ends with its parent, and leaves
 * signals to it: Ctrl-C in a terminal reaches both.
 */
import { createRequire } from "node:module";
import type { OnnxRuntime } from "./onnx-runtime.ts";
import type { Reply, Request } from "./protocol.ts";
import { ModelError, openSentenceModel, type SentenceModel } from "./sentence-model.ts";

let model: SentenceModel | undefined;

const answer = async (request: Request): Promise<Reply> => {
  try {
    if (request.kind === "embed") {
      if (model === undefined) throw new ModelError("The model is not open.");
      return await model.embed(request.texts);
    }
    const runtime = createRequire(import.meta.url)(request.runtime) as OnnxRuntime;
    model = await openSentenceModel(runtime, request);
    return { kind: "opened", device: model.device };
  } catch (error) {
    // What the runtime says may repeat what it was given.
    const message = error instanceof ModelError ? error.message : "The model could not be computed with.";
    if (!(error instanceof ModelError)) process.stderr.write(`${String(error)}\n`);
    return { kind: "failed", message };
  }
};

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("disconnect", () => process.exit());
process.on("message", (request: Request) => {
  void answer(request).then((reply) => process.send?.(reply));
});
