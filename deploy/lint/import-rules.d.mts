import type { Linter } from "eslint";

/** The walls of the house, as ESLint configurations. */
export function importRules(root: string): Linter.Config[];
