import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";
import { importRules } from "./import-rules.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Type-aware rules where they catch what review misses: promises nobody waits for, and switches that forget a case. */
export default tseslint.config(
  { ignores: ["**/dist/**", "**/gen/**", "**/.nx/**", "**/.local/**", "**/.quartet/**", "**/vendor/**"] },
  {
    basePath: root,
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: root } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // A test may reach into what it knows to be there.
      "@typescript-eslint/no-non-null-assertion": "off",
      eqeqeq: "error",
      "no-console": "error",
    },
  },
  { basePath: root, files: ["**/*.mjs"], rules: { eqeqeq: "error", "no-var": "error", "prefer-const": "error" } },
  // A command's job is to print.
  { basePath: root, files: ["services/cli/**", "deploy/**"], rules: { "no-console": "off" } },
  ...importRules(root),
);
