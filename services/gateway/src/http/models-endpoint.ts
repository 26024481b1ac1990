import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import type { HttpEndpoint } from "@quartet/rpc";
import { OWN_MODEL } from "./chat-request.ts";
import { failAsOpenAi } from "./openai-error.ts";

/** GET /v1/models: the model that answers from the documents, and those to which chats are passed on, where the operator names them. */
export function createModelsEndpoint(relayedModels: readonly string[]): HttpEndpoint {
  const created = Math.floor(Date.now() / 1_000);
  const models = [OWN_MODEL, ...relayedModels].map((id) => ({
    id,
    object: "model",
    created,
    owned_by: id === OWN_MODEL ? "quartet" : "provider",
  }));
  const json = JSON.stringify({ object: "list", data: models });
  return {
    path: "/v1/models",
    verb: "GET",
    like: AnswerService.method.answerQuestion,
    handle: async ({ response }) => {
      response.setHeader("content-type", "application/json");
      response.end(json);
    },
    fail: failAsOpenAi,
  };
}
