/**
 * What tests get as `fast-check`: with a seed of the tree under test (see run.mjs), so that what passed once passes again, while every change is tried
 * with other values. Without one, as where a single package is tested, each run has its own.
 */
import fc from "../../node_modules/fast-check/lib/fast-check.js";

const { QUARTET_TEST_SEED: seed } = process.env;
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) });

export * from "../../node_modules/fast-check/lib/fast-check.js";
export default fc;
