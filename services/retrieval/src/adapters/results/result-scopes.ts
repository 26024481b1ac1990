import { createHash } from "node:crypto";
import type { Collection } from "../../domain/collection.ts";
import type { GraphState, KeyedSearch } from "../../domain/search-key.ts";

/** Which results were found in which state of which collections, so that those of a state that is gone can be dropped. */
export interface Scopes {
  /** A result is kept under this name. */
  add(name: string, search: KeyedSearch): void;
  /** It is kept no more. */
  forget(name: string): void;
  /** The state that a search saw: results of older ones are dropped. */
  saw(search: KeyedSearch): void;
}

/** The state of a collection, with the graph where that had a part in it; or of several at once. */
interface State {
  /** Whose. */
  readonly of: string;
  /** Grows with every change of the documents, and of what is projected of them. */
  readonly order: number;
  /** The same for equal states. */
  readonly text: string;
}

interface Group extends State {
  readonly names: Set<string>;
}

/** A search over more collections is dropped as a whole: one entry for each would be most of what is kept. */
const MAX_COLLECTIONS = 16;

/** @param drop called with a name that was added; it leads to `forget` */
export function createScopes({ drop }: { readonly drop: (name: string) => void }): Scopes {
  const groups = new Map<string, Group>();
  const groupsOf = new Map<string, readonly string[]>();

  const saw = (states: readonly State[]) => {
    for (const { of, order, text } of states) {
      const group = groups.get(of);
      if (group === undefined || group.text === text || order < group.order) continue;
      groups.delete(of);
      for (const name of [...group.names]) drop(name);
    }
  };
  return {
    add(name, search) {
      const states = statesOf(search);
      saw(states);
      for (const state of states) {
        const group = groups.get(state.of) ?? { ...state, names: new Set<string>() };
        // A search that began before a change and ends after others have seen it: nobody asks for its state again.
        if (group.text !== state.text) continue;
        groups.set(state.of, group);
        group.names.add(name);
      }
      groupsOf.set(
        name,
        states.map(({ of }) => of),
      );
    },
    forget(name) {
      for (const of of groupsOf.get(name) ?? []) {
        const group = groups.get(of);
        group?.names.delete(name);
        if (group?.names.size === 0) groups.delete(of);
      }
      groupsOf.delete(name);
    },
    saw: (search) => saw(statesOf(search)),
  };
}

function statesOf({ tenant, collections, graphState }: KeyedSearch): readonly State[] {
  const all = collections.map((collection) => stateOf(tenant, collection, graphState));
  if (all.length <= MAX_COLLECTIONS) return all;
  const hash = createHash("sha256");
  for (const { of } of all) hash.update(`${of}\n`);
  const text = all.map((state) => state.text).join();
  return [{ of: `${tenant} ${hash.digest("base64url")}`, order: all.reduce((sum, { order }) => sum + order, 0), text }];
}

function stateOf(tenant: string, { state, active, building }: Collection, graphState: GraphState): State {
  const { collection, recordSeq, projectedSeq } = state;
  const spaces = [active, building].map((each) =>
    each === undefined ? "" : `${each.space.id} ${each.vectorCount} ${each.refusedCount}`,
  );
  return {
    // What a graph had no part in does not go with it.
    of: `${tenant} ${collection} ${graphState === undefined ? "" : "and its graph"}`,
    order: recordSeq + projectedSeq + (typeof graphState === "number" ? graphState : 0),
    text: [recordSeq, projectedSeq, graphState, ...spaces].join(" "),
  };
}
