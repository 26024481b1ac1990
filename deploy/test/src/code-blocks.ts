/** The code blocks of a Markdown text in a language, in order. */
export function codeBlocks(markdown: string, language: string): readonly string[] {
  const fences = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm");
  return Array.from(markdown.matchAll(fences), ([, code = ""]) => code);
}
