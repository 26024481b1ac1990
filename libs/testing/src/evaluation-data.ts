import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const besideCheckout = fileURLToPath(new URL("../../../../shared/data", import.meta.url));

/**
 * Where the sets with relevance judgements are: QUARTET_EVAL_DATA, else `shared/data` beside the checkout. They are not part of the project.
 *
 * @returns the folder of one set; undefined where it is missing, so that its tests are left out with a notice
 * @throws {Error} if it is missing and QUARTET_TEST_DATA=required, as in CI
 */
export function evaluationSet(name: string): string | undefined {
  const folder = path.join(process.env["QUARTET_EVAL_DATA"] || besideCheckout, name);
  if (existsSync(path.join(folder, "corpus.jsonl"))) return folder;
  if (process.env["QUARTET_TEST_DATA"] === "required") {
    throw new Error(
      `Evaluation data is required but ${name} is not there. Set QUARTET_EVAL_DATA to the folder that holds it.`,
    );
  }
  return undefined;
}
