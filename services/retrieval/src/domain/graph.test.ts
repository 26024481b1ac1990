import { describe, expect, it } from "@jest/globals";
import {
  checkEnds,
  type Entity,
  type Graph,
  type GraphError,
  isSameEntity,
  type Mention,
  namedEntities,
  type Relation,
  toGraph,
} from "./graph.ts";

const entity = (id: string, fields: Partial<Entity> = {}): Entity => ({
  id,
  name: id,
  kind: "",
  aliases: [],
  ...fields,
});
const relation = (source: string, target: string, fields: Partial<Relation> = {}): Relation => ({
  source,
  target,
  kind: "owns",
  weight: 0,
  ...fields,
});
const mention = (entityId: string, fields: Partial<Mention> = {}): Mention => ({
  entityId,
  documentId: "d",
  span: undefined,
  ...fields,
});
const graph = (parts: Partial<Graph>): Graph => ({ entities: [], relations: [], mentions: [], ...parts });

/** The field that an error names; undefined where nothing is wrong. */
function refusedField(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as GraphError).field;
  }
}

describe("a given graph", () => {
  it("is completed: NFC, other names once, weight 1, equal mentions once", () => {
    const decomposed = "한국은행".normalize("NFD");
    const given = graph({
      entities: [entity(decomposed, { name: decomposed, aliases: ["BOK", decomposed, "BOK"] }), entity("b")],
      relations: [relation("b", decomposed)],
      mentions: [mention("b"), mention("b"), mention("b", { span: { start: 0, end: 1 } })],
    });
    expect(toGraph(given)).toEqual({
      entities: [entity("한국은행", { aliases: ["BOK"] }), entity("b")],
      relations: [relation("b", "한국은행", { weight: 1 })],
      mentions: [mention("b"), mention("b", { span: { start: 0, end: 1 } })],
    });
  });

  it.each<[Partial<Graph>, string]>([
    [{ entities: [entity("")] }, "entities[0].id"],
    [{ entities: [entity("a", { name: " " })] }, "entities[0].name"],
    [{ entities: [entity("a\0")] }, "entities[0].id"],
    [{ entities: [entity("a", { name: "\ud800" })] }, "entities[0].name"],
    [{ entities: [entity("a", { aliases: ["x", "\0"] })] }, "entities[0].aliases[1]"],
    [{ entities: [entity("a"), entity("b"), entity("a", { name: "x" })] }, "entities[2]"],
    [{ relations: [relation("a", "b"), relation("a", "b", { weight: 0.5 })] }, "relations[1]"],
    [{ relations: [relation("a", "b", { weight: Number.NaN })] }, "relations[0].weight"],
    [{ relations: [relation("a", "b", { kind: "\t" })] }, "relations[0].kind"],
    [{ relations: [relation("", "b")] }, "relations[0].source_entity_id"],
    [{ mentions: [mention("a", { documentId: "\udfff" })] }, "mentions[0].document_id"],
  ])("that breaks a rule is refused by its field: %j", (parts, field) => {
    expect(refusedField(() => toGraph(graph(parts)))).toBe(field);
  });

  it("names only entities that are known or in it", () => {
    const given = graph({ entities: [entity("a")], relations: [relation("a", "b")], mentions: [mention("c")] });
    expect(namedEntities(given)).toEqual(["a", "b", "c"]);
    const check = (...known: string[]) => checkEnds(given, (id) => known.includes(id));
    expect(refusedField(() => check("b", "c"))).toBeUndefined();
    expect(refusedField(() => check("c"))).toBe("relations[0].target_entity_id");
    expect(refusedField(() => check("b"))).toBe("mentions[0].entity_id");
  });

  it("has entities that are the same whatever the order of their other names", () => {
    expect(isSameEntity(entity("a", { aliases: ["x", "y"] }), entity("a", { aliases: ["y", "x"] }))).toBe(true);
    expect(isSameEntity(entity("a", { aliases: ["x"] }), entity("a", { aliases: ["y"] }))).toBe(false);
    expect(isSameEntity(entity("a"), entity("a", { kind: "person" }))).toBe(false);
  });
});
