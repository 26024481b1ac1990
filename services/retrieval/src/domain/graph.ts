import { nfc } from "@quartet/text";

/** A named thing. All text is in NFC. */
export interface Entity {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** Other names, each once, without the name itself. */
  readonly aliases: readonly string[];
}

/** Links two entities. There is one of a kind between a source and a target. */
export interface Relation {
  readonly source: string;
  readonly target: string;
  readonly kind: string;
  /** In (0, 1]. */
  readonly weight: number;
}

/** Says that a document, which may not be there yet, names an entity. */
export interface Mention {
  readonly entityId: string;
  readonly documentId: string;
  /** Code points of the document's text, end exclusive; undefined for anywhere. */
  readonly span: { readonly start: number; readonly end: number } | undefined;
}

/** What is merged into a tenant's graph. */
export interface Graph {
  readonly entities: readonly Entity[];
  readonly relations: readonly Relation[];
  readonly mentions: readonly Mention[];
}

/** A given graph breaks a rule. `field` is its place in the contract's message. */
export class GraphError extends Error {
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/**
 * Checks a graph as it was given, and completes it: NFC, aliases without repetitions, weight 1 where it is 0. A mention given twice is one.
 *
 * @throws {GraphError}
 */
export function toGraph(given: Graph): Graph {
  const graph = {
    entities: given.entities.map(toEntity),
    relations: given.relations.map(toRelation),
    mentions: given.mentions.map(toMention),
  };
  refuseRepeated("entities", graph.entities, ({ id }) => [id], "another entity of this request has the same ID");
  refuseRepeated(
    "relations",
    graph.relations,
    ({ source, target, kind }) => [source, target, kind],
    "another relation of this request has the same ends and kind",
  );
  const mentions = new Map(graph.mentions.map((mention) => [JSON.stringify(mention), mention]));
  return { ...graph, mentions: [...mentions.values()] };
}

function toEntity({ id, name, kind, aliases }: Entity, index: number): Entity {
  const place = `entities[${index}]`;
  const entity = {
    id: identifier(`${place}.id`, id),
    name: named(`${place}.name`, name),
    kind: text(`${place}.kind`, kind),
  };
  const others = aliases.map((alias, number) => named(`${place}.aliases[${number}]`, alias));
  return { ...entity, aliases: [...new Set(others)].filter((alias) => alias !== entity.name) };
}

function toRelation({ source, target, kind, weight }: Relation, index: number): Relation {
  const place = `relations[${index}]`;
  if (!(weight >= 0 && weight <= 1)) throw new GraphError(`${place}.weight`, "the weight is not in [0, 1]");
  return {
    source: identifier(`${place}.source_entity_id`, source),
    target: identifier(`${place}.target_entity_id`, target),
    kind: named(`${place}.kind`, kind),
    weight: weight === 0 ? 1 : weight,
  };
}

function toMention({ entityId, documentId, span }: Mention, index: number): Mention {
  const place = `mentions[${index}]`;
  return {
    entityId: identifier(`${place}.entity_id`, entityId),
    documentId: identifier(`${place}.document_id`, documentId),
    span: span && { start: span.start, end: span.end },
  };
}

function identifier(field: string, value: string): string {
  if (value === "") throw new GraphError(field, "it is empty");
  return text(field, value);
}

function named(field: string, value: string): string {
  if (value.trim() === "") throw new GraphError(field, "it is blank; a name needs characters");
  return text(field, value);
}

/** What PostgreSQL and UTF-8 cannot hold is refused by every store. */
function text(field: string, value: string): string {
  if (value.includes("\0")) throw new GraphError(field, "the text holds NUL (U+0000); leave it out");
  if (!value.isWellFormed()) {
    throw new GraphError(field, "the text holds half a surrogate pair; it is no valid Unicode");
  }
  return nfc(value);
}

function refuseRepeated<Item>(
  field: string,
  items: readonly Item[],
  keyOf: (item: Item) => readonly string[],
  message: string,
): void {
  const seen = new Set<string>();
  items.forEach((item, index) => {
    const key = JSON.stringify(keyOf(item));
    if (seen.has(key)) throw new GraphError(`${field}[${index}]`, message);
    seen.add(key);
  });
}

/**
 * Refuses what names an entity that is neither in the graph nor known.
 *
 * @throws {GraphError}
 */
export function checkEnds({ entities, relations, mentions }: Graph, isKnown: (entityId: string) => boolean): void {
  const given = new Set(entities.map(({ id }) => id));
  const check = (field: string, id: string) => {
    if (given.has(id) || isKnown(id)) return;
    throw new GraphError(field, "no entity has this ID; put it before, or in the same request");
  };
  relations.forEach(({ source, target }, index) => {
    check(`relations[${index}].source_entity_id`, source);
    check(`relations[${index}].target_entity_id`, target);
  });
  mentions.forEach(({ entityId }, index) => check(`mentions[${index}].entity_id`, entityId));
}

/** The entities that relations and mentions name, each once. */
export function namedEntities({ entities, relations, mentions }: Graph): readonly string[] {
  return [
    ...new Set([
      ...entities.map(({ id }) => id),
      ...relations.flatMap(({ source, target }) => [source, target]),
      ...mentions.map(({ entityId }) => entityId),
    ]),
  ];
}

export function isSameEntity(left: Entity, right: Entity): boolean {
  const aliases = new Set(left.aliases);
  return (
    left.id === right.id &&
    left.name === right.name &&
    left.kind === right.kind &&
    left.aliases.length === right.aliases.length &&
    right.aliases.every((alias) => aliases.has(alias))
  );
}
