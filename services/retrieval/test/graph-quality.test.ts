import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { EmbeddedStore } from "../src/adapters/embedded/open.ts";
import type { Source } from "../src/domain/source.ts";
import {
  type EvaluationSet,
  figuresOf,
  openEvaluation,
  rankAll,
  readEvaluationSet,
  readGraphFile,
} from "./graph-evaluation.ts";

const folder = fileURLToPath(new URL("graph-set/", import.meta.url));
const corpus: Source = { name: "corpus", kind: "hybrid" };
/** As sources are by default. */
const both: readonly Source[] = [corpus, { name: "graph", kind: "graph", weight: 0.2 }];

describe("a graph beside keywords and vectors", () => {
  let set: EvaluationSet;
  let store: EmbeddedStore;
  beforeAll(async () => {
    set = await readEvaluationSet(folder);
    store = await openEvaluation(set, await readGraphFile(`${folder}graph.jsonl`));
  }, 120_000);
  afterAll(() => store.close());

  it("finds what answers questions by way of another thing, and loses none of the others", async () => {
    const [without, withGraph] = [await rankAll(store, set.queries, [corpus]), await rankAll(store, set.queries, both)];
    const figures = (kind: string, rankings: typeof without) => {
      const places = set.queries.flatMap((query, index) => (query.kind === kind ? [index] : []));
      return figuresOf(
        places.map((place) => set.queries[place]!),
        places.map((place) => rankings[place]!),
      );
    };
    const [linkedBefore, linked] = [figures("linked", without), figures("linked", withGraph)];
    expect(linkedBefore.recall).toBeLessThan(0.75);
    expect(linked.recall).toBeGreaterThanOrEqual(0.95);
    expect(linked.ndcg).toBeGreaterThan(linkedBefore.ndcg + 0.1);
    expect(figures("direct", withGraph)).toEqual(figures("direct", without));
  }, 120_000);

  it("changes nothing where it finds nothing", async () => {
    const entities = [{ id: "x", name: "Quetzalcoatlus northropi", kind: "", aliases: [] }];
    const other = await openEvaluation(set, { entities, relations: [], mentions: [] });
    expect(await rankAll(other, set.queries, both)).toEqual(await rankAll(other, set.queries, [corpus]));
    await other.close();
  }, 120_000);
});
