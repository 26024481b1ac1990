// Puts documents and vectors into the folder it is given until it is killed, and says on standard output which documents were acknowledged.
import { openEmbeddedStore } from "../src/adapters/embedded/open.ts";
import { never, put } from "./contract/subject.ts";
import { generatedDocument, generatedSpace, generatedVector } from "./generated-document.ts";

const [folder, round] = process.argv.slice(2) as [string, string];
const store = await openEmbeddedStore({ folder });
for (let batch = 0; ; batch += 1) {
  const names = Array.from({ length: 3 }, (_, index) => ({
    number: (batch * 3 + index) % 40,
    round: Number(round) * 1_000 + batch,
  }));
  const { results } = await put(store, "default", ...names.map(generatedDocument));
  const kept = names.filter((_, index) => results[index]!.outcome !== "failed");
  const query = { collection: "default", spaceId: generatedSpace.id, documentIds: [], afterPassageId: 0, limit: 20 };
  const { contents } = await store.vectors.missing("default", query, never);
  const vectors = contents.map(({ contentHash }) => ({ contentHash, vector: generatedVector }));
  await store.vectors.put("default", "default", generatedSpace, vectors, never);
  process.stdout.write(kept.map(({ number, round: at }) => `${number} ${at}\n`).join(""));
}
