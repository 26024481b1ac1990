const fence = /^ {0,3}(`{3,}|~{3,})/;
const atxHeading = /^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/;
const setextUnderline = /^ {0,3}(?:=+|-{2,})[ \t]*$/;

/** The text of the first heading of a Markdown document, outside front matter and code; undefined if it has none. */
export function markdownTitle(text: string): string | undefined {
  const lines = withoutFrontMatter(text.split(/\r\n|\r|\n/));
  let openFence: string | undefined;
  let previous = "";
  for (const line of lines) {
    const mark = fence.exec(line)?.[1];
    if (openFence !== undefined) {
      if (mark?.startsWith(openFence) && line.trim() === mark) openFence = undefined;
    } else if (mark !== undefined) {
      openFence = mark;
    } else {
      const heading = atxHeading.exec(line)?.[1] ?? (setextUnderline.test(line) ? previous : "");
      const title = plain(heading);
      if (title !== "") return title;
      previous = /^ {0,3}\S/.test(line) && !/^ {0,3}([-*+>]|\d+[.)])[ \t]/.test(line) ? line.trim() : "";
      continue;
    }
    previous = "";
  }
  return undefined;
}

function withoutFrontMatter(lines: readonly string[]): readonly string[] {
  if (lines[0]?.trimEnd() !== "---") return lines;
  const end = lines.findIndex((line, index) => index > 0 && /^(---|\.\.\.)[ \t]*$/.test(line));
  return end === -1 ? lines : lines.slice(end + 1);
}

/** A heading without its inline marks: emphasis, code, links, images. */
const plain = (heading: string): string =>
  heading
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/(\*\*|__|`+)(.+?)\1/g, "$2")
    .replaceAll(/\\([!-/:-@[-`{-~])/g, "$1")
    .trim();
