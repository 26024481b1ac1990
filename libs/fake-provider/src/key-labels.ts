/** Names for keys, so that their values are shown nowhere. */
export interface KeyLabels {
  /** Known keys have the names they were given; others get `key-1` and so on as they come, and a call without a key none. */
  labelOf(key: string): string;
}

/** A load test has a handful of keys; whoever makes up a new one for each call shall not fill the memory. */
const MAX_KEYS = 1_000;

/** @param known the known keys, by value */
export function createKeyLabels(
  known: () => Readonly<Record<string, { readonly label?: string }>> | undefined,
): KeyLabels {
  const met = new Map<string, string>();
  return {
    labelOf: (key) => {
      if (key === "") return "";
      const given = known();
      if (given && Object.hasOwn(given, key)) return given[key]!.label ?? `key-${Object.keys(given).indexOf(key) + 1}`;
      const label = met.get(key) ?? (met.size < MAX_KEYS ? `key-${met.size + 1}` : "others");
      if (met.size < MAX_KEYS) met.set(key, label);
      return label;
    },
  };
}
