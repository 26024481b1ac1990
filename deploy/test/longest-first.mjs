import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import Sequencer from "@jest/test-sequencer";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The suites that take longest, from minutes to half a minute. One of them begun last would leave the other workers with nothing to do. */
const longest = [
  "deploy/test/test/quality.test.ts",
  "deploy/test/test/stores-restarted.test.ts",
  "deploy/test/test/model-quality.test.ts",
  "deploy/test/test/secrets.test.ts",
  "services/retrieval/test/caches/no-stale-answer.test.ts",
  "services/retrieval/test/faults/faults.test.ts",
  "services/cli/test/ask-and-search.test.ts",
  "deploy/test/test/provider-faults-keys.test.ts",
  "services/retrieval/test/search-pages.test.ts",
  "services/retrieval/test/faults/outbox.test.ts",
  "deploy/test/test/local-model.test.ts",
  "services/cli/test/index-and-documents.test.ts",
].map((file) => path.join(root, file));

const gone = longest.filter((file) => !existsSync(file));
if (gone.length > 0) throw new Error(`${fileURLToPath(import.meta.url)} names what is gone: ${gone.join(", ")}`);

/** Jest knows how long suites take only where they ran before, and orders them by size elsewhere; a clean checkout is such a place. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const place = (test) => {
      if (this.hasFailed(test)) return -1;
      const index = longest.indexOf(test.path);
      return index < 0 ? longest.length : index;
    };
    return super.sort(tests).sort((left, right) => place(left) - place(right));
  }
}
