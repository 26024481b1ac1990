import { describe, it } from "@jest/globals";
import {
  areStoresRequired,
  missingStoresText,
  type StoreName,
  storesForTests,
  type TestStores,
} from "./stores/stores.ts";

/**
 * A suite that runs against genuine stores. Where one is missing the suite is left out, and its name says what it needs; with
 * QUARTET_TEST_STORES=required it fails instead.
 *
 * @param names the stores that it needs
 * @param define registers the tests, as in `describe`; it is called only where all the stores are there
 */
export function describeWithStores<Name extends StoreName>(
  title: string,
  names: readonly Name[],
  define: (stores: Pick<TestStores, Name>) => void,
): void {
  const { stores, missing } = storesForTests(names);
  if (stores) return describe(title, () => define(stores));
  const text = missingStoresText(missing);
  if (!areStoresRequired()) return describe.skip(title, () => it(text, () => undefined));
  describe(title, () =>
    it(text, () => {
      throw new Error(`QUARTET_TEST_STORES=required, but "${title}" ${text}.`);
    }),
  );
}
