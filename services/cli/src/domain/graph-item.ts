import { isAbsent, isObject, isText } from "./json-value.ts";

/** What a line of a graph's file says, in the contract's words. */
export type GraphItem =
  | { readonly kind: "entities"; readonly item: { id: string; name: string; kind: string; aliases: string[] } }
  | {
      readonly kind: "relations";
      readonly item: { sourceEntityId: string; targetEntityId: string; kind: string; weight: number };
    }
  | {
      readonly kind: "mentions";
      readonly item: { entityId: string; documentId: string; span?: { startOffset: number; endOffset: number } };
    };

export type GraphItemKind = GraphItem["kind"];

/** In the order in which they are put: relations and mentions name entities. */
export const graphItemKinds: readonly GraphItemKind[] = ["entities", "relations", "mentions"];

type Fields = Readonly<Record<string, unknown>>;

/** A rule for one field: what it must be, and whether a value is. */
interface Rule {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const optional = ({ expected, holds }: Rule): Rule => ({
  expected,
  holds: (value) => isAbsent(value) || holds(value),
});
const text: Rule = { expected: "a string of whole Unicode characters", holds: isText };
const name: Rule = { expected: "a non-empty string", holds: (value) => isText(value) && value !== "" };
const texts: Rule = { expected: "a list of strings", holds: (value) => Array.isArray(value) && value.every(isText) };
const share: Rule = {
  expected: "a number above 0, up to 1",
  holds: (value) => typeof value === "number" && value > 0 && value <= 1,
};
const offset: Rule = {
  expected: "a whole number, 0 or more",
  holds: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31,
};

const rules: Readonly<Record<GraphItemKind, Readonly<Record<string, Rule>>>> = {
  entities: { id: name, name, kind: optional(text), aliases: optional(texts) },
  relations: { source: name, target: name, kind: name, weight: optional(share) },
  mentions: { entity: name, document: name, start: optional(offset), end: optional(offset) },
};

/**
 * Reads one of
 *
 * - an entity: `{"id", "name", "kind", "aliases"}`, the first two required
 * - a relation: `{"source", "target", "kind", "weight"}`, the first three required, the ends IDs of entities
 * - a mention: `{"entity", "document", "start", "end"}`, the first two required, the offsets in characters and both or none
 */
export function parseGraphItem(value: unknown): GraphItem | { readonly problem: string } {
  if (!isObject(value)) return { problem: "not a JSON object" };
  const fields: Fields = value;
  const kind = kindOf(fields);
  if (kind === undefined) {
    return { problem: 'neither an entity ("id"), a relation ("source") nor a mention ("entity" and "document")' };
  }
  for (const [field, { expected, holds }] of Object.entries(rules[kind])) {
    if (!holds(fields[field])) return { problem: `"${field}" must be ${expected}` };
  }
  const unknown = Object.keys(fields).find((field) => !Object.hasOwn(rules[kind], field));
  if (unknown !== undefined) return { problem: `"${unknown}" is no field of ${kind}` };
  if (kind === "mentions" && !isSpan(fields))
    return { problem: '"start" and "end" go together, and start is not after end' };
  return toItem(kind, fields);
}

function kindOf(fields: Fields): GraphItemKind | undefined {
  if (Object.hasOwn(fields, "source")) return "relations";
  if (Object.hasOwn(fields, "entity")) return "mentions";
  return Object.hasOwn(fields, "id") ? "entities" : undefined;
}

function isSpan({ start, end }: Fields): boolean {
  return isAbsent(start) ? isAbsent(end) : !isAbsent(end) && (start as number) <= (end as number);
}

function toItem(kind: GraphItemKind, fields: Fields): GraphItem {
  const textOf = (field: string) => (fields[field] ?? "") as string;
  switch (kind) {
    case "entities": {
      const aliases = (fields["aliases"] ?? []) as string[];
      return { kind, item: { id: textOf("id"), name: textOf("name"), kind: textOf("kind"), aliases } };
    }
    case "relations": {
      const weight = (fields["weight"] ?? 0) as number;
      return {
        kind,
        item: { sourceEntityId: textOf("source"), targetEntityId: textOf("target"), kind: textOf("kind"), weight },
      };
    }
    case "mentions": {
      const named = { entityId: textOf("entity"), documentId: textOf("document") };
      if (isAbsent(fields["start"])) return { kind, item: named };
      const span = { startOffset: fields["start"] as number, endOffset: fields["end"] as number };
      return { kind, item: { ...named, span } };
    }
  }
}
