import type { EmbeddingService } from "@quartet/contracts/embedding/v1/embedding_service";
import { type Handler, principalOf } from "@quartet/rpc";
import { fromPurpose, toResponse, toConnectError } from "../convert.ts";
import type { TextEmbedding } from "../domain/text-embedding.ts";

/** One vector per text, all or none; without texts the space alone. */
export function createEmbedTexts(embedTexts: TextEmbedding): Handler<typeof EmbeddingService.method.embedTexts> {
  return async ({ texts, purpose, encoding, spaceId }, context) => {
    try {
      const { tenant } = principalOf(context);
      const { signal } = context;
      const outcome = await embedTexts({ tenant, texts, purpose: fromPurpose(purpose), spaceId, signal });
      return toResponse(outcome, encoding);
    } catch (error) {
      throw toConnectError(error);
    }
  };
}
