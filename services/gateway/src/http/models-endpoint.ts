import { AnswerService } from "@quartet/contracts/gateway/v1/answer_service";
import type { HttpEndpoint } from "@quartet/rpc";
import { OWN_MODEL } from "./chat-request.ts";
import { failAsOpenAi } from "./openai-error.ts";

/** GET /v1/models, and each of them: the model that answers from the documents, and those to which chats are passed on, where the operator names them. */
export function createModelsEndpoints(relayedModels: readonly string[]): HttpEndpoint[] {
  const created = Math.floor(Date.now() / 1_000);
  const models = [OWN_MODEL, ...relayedModels].map((id) => ({
    id,
    object: "model",
    created,
    owned_by: id === OWN_MODEL ? "quartet" : "provider",
  }));
  const at = (path: string, value: object): HttpEndpoint => ({
    path,
    verb: "GET",
    like: AnswerService.method.answerQuestion,
    handle: async ({ response, end }) => {
      response.setHeader("content-type", "application/json");
      await end(JSON.stringify(value));
    },
    fail: failAsOpenAi,
  });
  return [
    at("/v1/models", { object: "list", data: models }),
    ...models.map((model) => at(`/v1/models/${encodeURIComponent(model.id)}`, model)),
  ];
}
