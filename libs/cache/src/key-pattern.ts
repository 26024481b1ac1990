/**
 * Whether texts match a pattern in which `*` is any text, the empty one too, and everything else is literal; an empty pattern matches all. It
 * takes time in proportion to the text, however many `*` there are.
 */
export function keyPattern(pattern: string): (text: string) => boolean {
  if (pattern === "") return () => true;
  const parts = pattern.split("*");
  const first = parts[0]!;
  const last = parts.at(-1)!;
  const between = parts.slice(1, -1);
  if (parts.length === 1) return (text) => text === pattern;
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    // The leftmost place of each part leaves the most to those that follow.
    let at = first.length;
    for (const part of between) {
      const found = text.indexOf(part, at);
      if (found === -1 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
