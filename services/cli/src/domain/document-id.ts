import path from "node:path";

/** Names documents after their files, so that indexing the same file again replaces it. */
export interface FileNaming {
  /** The folder that ids are relative to: the working directory. */
  readonly root: string;
  /** The path the user gave, absolute. */
  readonly given: string;
  /** The file, absolute; `given` itself or below it. */
  readonly file: string;
}

/**
 * The id of a file's document: its path relative to `root`, or, where it lies outside, relative to the folder that holds `given`. With `/`
 * between segments and in NFC, whatever the system writes, so that the same tree has the same ids everywhere.
 */
export function documentIdOf({ root, given, file }: FileNaming): string {
  const inside = path.relative(root, file);
  const isOutside = inside === "" || inside.startsWith(`..${path.sep}`) || path.isAbsolute(inside);
  const relative = isOutside ? path.relative(path.dirname(given), file) : inside;
  return relative.split(path.sep).join("/").normalize("NFC");
}

/** A file's name without its last extension. */
export const nameOf = (file: string): string => path.basename(file, path.extname(file)).normalize("NFC");
