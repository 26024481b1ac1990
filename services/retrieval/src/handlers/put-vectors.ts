import { Code } from "@connectrpc/connect";
import type { IndexService } from "@quartet/contracts/retrieval/v1/index_service";
import { fieldInvalid, quartetError } from "@quartet/errors";
import { type Handler, principalOf } from "@quartet/rpc";
import { fromSpaceMessage, fromVectorMessage } from "../convert/collection.ts";
import { withRpcErrors } from "../convert/errors.ts";
import type { Stores } from "../domain/stores.ts";
import { callOptions } from "./call-options.ts";

/** Stores vectors where passages still have the content they were made from, and notes what is refused. */
export function createPutVectors({
  stores,
}: {
  readonly stores: Stores;
}): Handler<typeof IndexService.method.putVectors> {
  return async ({ collection, space: spaceMessage, vectors: messages, refusedContentHashes }, context) => {
    const { tenant } = principalOf(context);
    const space = fromSpaceMessage(spaceMessage, "space");
    const vectors = messages.map(({ contentHash, vector: message }, index) => {
      const path = `vectors[${index}].vector`;
      const vector = fromVectorMessage(message, path);
      if (vector.values.length !== space.dimensions) {
        throw fieldInvalid(path, `the space has ${space.dimensions} dimensions, the vector ${vector.values.length}`);
      }
      return { contentHash, vector };
    });
    const result = await withRpcErrors(() =>
      stores.vectors.put(tenant, collection, space, vectors, callOptions(context)),
    );
    if (result.kind === "stored") {
      const refusedCount = await withRpcErrors(() =>
        stores.vectors.refuse(tenant, collection, space.id, refusedContentHashes, callOptions(context)),
      );
      return { storedCount: result.count, refusedCount };
    }
    throw quartetError({
      code: Code.FailedPrecondition,
      reason: "EMBEDDING_SPACE_MISMATCH",
      message: "The space is known with other dimensions or of another kind. Give a changed embedder a new space ID.",
    });
  };
}
