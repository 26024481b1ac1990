import type { Installation } from "../../domain/installation.ts";
import type { EmbeddedState } from "./state.ts";

export function createInstallation({ database }: EmbeddedState): Installation {
  return {
    pageTokenKey: async () => database.get<{ key: Uint8Array }>("SELECT page_token_key AS key FROM installation")!.key,
  };
}
