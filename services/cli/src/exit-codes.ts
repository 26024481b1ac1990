/** How a command ended, for scripts. Documented in the README and in `quartet --help`. */
export const exitCodes = {
  /** Done. */
  ok: 0,
  /** Something failed: a call, a document, a check of `doctor`. */
  failure: 1,
  /** The command line, or a variable of the environment, makes no sense. */
  usage: 2,
  /** No server answers at the address. */
  unreachable: 3,
  /** It went well, and nothing was found: no passage, no document, no answer in the documents. */
  nothingFound: 4,
  /** Ended by Ctrl-C: 128 and the signal's number. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
