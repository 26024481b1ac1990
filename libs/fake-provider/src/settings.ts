import type { FakeBehaviour, FakeKey } from "./behaviour.ts";
import { type FaultName, faults } from "./faults.ts";
import { createKeyLabels } from "./key-labels.ts";

export interface FakeProviderOptions extends FakeBehaviour {
  /** The keys that are known, each with what it may do; any other gets 401. Default: every key, and none at all, will do. */
  readonly keys?: Readonly<Record<string, FakeKey>>;
  /** The models that are known; any other gets 404. Default: every model, and `fake-model` is listed. */
  readonly models?: readonly string[];
}

/** Changes; what is not named stays, and what is undefined goes back to the default. */
export type Changes<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** How the provider answers at the moment. What comes later here wins: for all, for a known key, for a label, for the next calls. */
export interface Settings {
  readonly options: FakeProviderOptions;
  /** For all keys, from now on. */
  set(changes: Changes<FakeProviderOptions>): void;
  /** For one key, by its label, from now on. */
  setForKey(label: string, changes: Changes<FakeBehaviour>): void;
  /** For the next calls, one each. */
  next(behaviours: readonly FakeBehaviour[]): void;
  /** Switches faults on: for all keys, or for the first one, as each says. */
  start(names: readonly FaultName[]): void;
  /** As at the start. */
  reset(): void;
  labelOf(key: string): string;
  /** How this request is answered. A call takes one of the next. */
  behaviourOf(key: string, isCall: boolean): FakeBehaviour;
  /** What is in force, without keys' values. */
  describe(): object;
}

export function createSettings(atStart: FakeProviderOptions): Settings {
  let options = atStart;
  let coming: FakeBehaviour[] = [];
  const ofKeys = new Map<string, FakeBehaviour>();
  const labels = createKeyLabels(() => options.keys);
  const firstLabel = () => Object.values(options.keys ?? {})[0]?.label ?? "key-1";

  const settings: Settings = {
    get options() {
      return options;
    },
    set: (changes) => {
      options = changed(options, changes);
    },
    setForKey: (label, changes) => void ofKeys.set(label, changed(ofKeys.get(label) ?? {}, changes)),
    next: (behaviours) => void coming.push(...behaviours),
    start: (names) => {
      for (const { isOfOneKey, behaviour } of names.map((name) => faults[name])) {
        if (isOfOneKey) settings.setForKey(firstLabel(), behaviour);
        else settings.set(behaviour);
      }
    },
    reset: () => {
      options = atStart;
      coming = [];
      ofKeys.clear();
    },
    labelOf: (key) => labels.labelOf(key),
    behaviourOf: (key, isCall) => {
      const known = options.keys !== undefined && Object.hasOwn(options.keys, key) ? options.keys[key] : undefined;
      const ofKey = ofKeys.size > 0 ? ofKeys.get(labels.labelOf(key)) : undefined;
      const next = isCall ? coming.shift() : undefined;
      return known || ofKey || next ? { ...options, ...known, ...ofKey, ...next } : options;
    },
    describe: () => {
      const { keys, ...forAll } = options;
      const known = Object.entries(keys ?? {}).map(([key, { label: _, ...behaviour }]) => [
        labels.labelOf(key),
        behaviour,
      ]);
      return {
        behaviour: forAll,
        keys: keys === undefined ? "any" : Object.fromEntries(known),
        ofKeys: Object.fromEntries(ofKeys),
        next: coming,
      };
    },
  };
  return settings;
}

function changed<T extends object>(before: T, changes: Changes<T>): T {
  const given = Object.entries({ ...before, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as T;
}
