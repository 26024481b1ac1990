import type { Section } from "@quartet/client";
import type { Terminal } from "../adapters/terminal.ts";

/** Shows the sections of an answer while they are written. */
export interface SectionView {
  /** More text of a section. */
  text(name: string, text: string): void;
  /** A section is over. */
  over(section: Section): void;
  /** Nothing more comes; ends the line that is being written. */
  end(): void;
}

interface Shown {
  readonly name: string;
  /** Not yet written. */
  waiting: string;
  section: Section | undefined;
}

/**
 * Sections come interleaved and are read one after the other: each is shown below its name, in the order asked for. The first that is not over is
 * written as it comes; those behind it are held until it is their turn, no more of them than the answer has.
 */
export function createSectionView(terminal: Terminal, names: readonly string[]): SectionView {
  const all = names.map((name): Shown => ({ name, waiting: "", section: undefined }));
  let current = 0;
  let headed = false;
  let inLine = false;

  const head = (name: string): void => {
    if (headed) return;
    if (current > 0) terminal.line();
    terminal.line(terminal.bold(`## ${terminal.safe(name)}`));
    headed = true;
  };
  const write = (shown: Shown): void => {
    if (shown.waiting === "") return;
    head(shown.name);
    terminal.write(terminal.safe(shown.waiting));
    shown.waiting = "";
    inLine = true;
  };
  const endLine = (): void => {
    if (inLine) terminal.line();
    inLine = false;
  };
  /** Writes what can be written: the section whose turn it is, and those after it as long as they are over. */
  const advance = (): void => {
    for (let shown = all[current]; shown !== undefined; shown = all[current]) {
      write(shown);
      if (shown.section === undefined) return;
      head(shown.name);
      endLine();
      if (shown.section.failure) terminal.line(terminal.dim(shown.section.text === "" ? "(no text)" : "(breaks off)"));
      headed = false;
      current += 1;
    }
  };

  return {
    text(name, text) {
      const shown = all.find((each) => each.name === name);
      if (shown === undefined) return;
      shown.waiting += text;
      if (shown === all[current]) advance();
    },
    over(section) {
      const shown = all.find((each) => each.name === section.name);
      if (shown === undefined) return;
      shown.section = section;
      advance();
    },
    end: endLine,
  };
}
