import { fileURLToPath } from "node:url";

/** One configuration for every test: native ES modules, TypeScript stripped by swc, workspace packages read from their sources. */
export default {
  rootDir: fileURLToPath(new URL("../..", import.meta.url)),
  testMatch: ["<rootDir>/**/src/**/*.test.ts", "<rootDir>/**/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "/dist/", "/.nx/", "/.local/", "/.quartet/"],
  modulePathIgnorePatterns: ["/dist/", "/.nx/", "/.local/", "/.quartet/"],
  testEnvironment: "node",
  testEnvironmentOptions: { customExportConditions: ["@quartet/source", "node", "node-addons"] },
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": [
      "@swc/jest",
      { jsc: { parser: { syntax: "typescript" }, target: "es2024" }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  moduleNameMapper: { "^fast-check$": fileURLToPath(new URL("fast-check.mjs", import.meta.url)) },
  testSequencer: fileURLToPath(new URL("longest-first.mjs", import.meta.url)),
  // Of a suite's time, a third and more is waiting for processes, stores and clocks: three keep two cores busy.
  maxWorkers: 3,
  // For what hangs: a test on a machine with other things to do may take many times what it takes alone.
  testTimeout: 60_000,
};
