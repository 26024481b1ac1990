import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import type { Path } from "@bufbuild/protobuf/reflect";

/** Called with each message that lies inside a message of its own type, and the way to it from the root. */
export type VisitNested = (type: DescMessage, message: Message, at: Path) => void;

export type FindNested = (type: DescMessage, message: Message, visit: VisitNested) => void;

type Fields = Record<string, unknown>;
type OneofValue = { readonly case: string | undefined; readonly value?: unknown };

/** Finds messages nested in their own type. Which fields can lead to one is worked out once for each type; most have none. */
export function createNestedFinder(): FindNested {
  const leads = createCycleFinder();
  const plans = new Map<DescMessage, readonly DescField[]>();
  const planOf = (type: DescMessage): readonly DescField[] => {
    let plan = plans.get(type);
    if (plan === undefined) {
      plan = type.fields.filter((field) => leads(messageOf(field)));
      plans.set(type, plan);
    }
    return plan;
  };

  /** `above` holds the types from the nearest root down to this message; what is visited is a root of its own. */
  const find = (
    type: DescMessage,
    message: Message,
    above: readonly DescMessage[],
    at: Path,
    visit: VisitNested,
  ): void => {
    for (const field of planOf(type)) {
      const nested = messageOf(field)!;
      const recursive = above.includes(nested);
      for (const [value, place] of messagesIn(field, message as unknown as Fields, at)) {
        if (recursive) visit(nested, value, place);
        find(nested, value, recursive ? [nested] : [...above, nested], place, visit);
      }
    }
  };
  return (type, message, visit) => find(type, message, [type], [], visit);
}

/** Whether a type contains itself, or leads to one that does. */
function createCycleFinder(): (type: DescMessage | undefined) => boolean {
  const known = new Map<DescMessage, boolean>();
  const leads = (type: DescMessage | undefined, above: readonly DescMessage[]): boolean => {
    if (type === undefined) return false;
    if (above.includes(type)) return true;
    let answer = known.get(type);
    if (answer === undefined) {
      answer = type.fields.some((field) => leads(messageOf(field), [...above, type]));
      known.set(type, answer);
    }
    return answer;
  };
  return (type) => leads(type, []);
}

function messageOf(field: DescField): DescMessage | undefined {
  return field.fieldKind === "message" || field.fieldKind === "list" || field.fieldKind === "map"
    ? field.message
    : undefined;
}

function* messagesIn(field: DescField, fields: Fields, at: Path): Generator<[Message, Path]> {
  const value = valueOf(field, fields);
  if (value === undefined) return;
  if (field.fieldKind === "list") {
    for (const [index, item] of (value as Message[]).entries())
      yield [item, [...at, field, { kind: "list_sub", index }]];
  } else if (field.fieldKind === "map") {
    for (const [key, item] of Object.entries(value as Fields))
      yield [item as Message, [...at, field, { kind: "map_sub", key }]];
  } else {
    yield [value as Message, [...at, field]];
  }
}

/** The field's value in a message of protobuf-es; a member of a oneof only while it is the one set. */
function valueOf({ oneof, localName }: DescField, fields: Fields): unknown {
  if (oneof === undefined) return fields[localName];
  const chosen = fields[oneof.localName] as OneofValue | undefined;
  return chosen?.case === localName ? chosen.value : undefined;
}
