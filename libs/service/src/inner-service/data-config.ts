import { variable } from "../config/variable.ts";

/** Where a service on one machine keeps what it keeps; several read it. */
export const dataVariables = {
  dataDir: variable.text("QUARTET_DATA_DIR", {
    default: ".quartet",
    pattern: /^[^\0]{1,4096}$/,
    expected: "the path of a folder, or :memory:",
    doc: "Folder with everything that is kept, made if it is not there; :memory: keeps nothing.",
  }),
} as const;
