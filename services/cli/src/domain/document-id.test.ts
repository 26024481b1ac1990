import { describe, expect, it } from "@jest/globals";
import { documentIdOf, nameOf } from "./document-id.ts";

describe("the id of a file", () => {
  it("is its path from the working directory, however it was given", () => {
    for (const given of ["/srv/docs", "/srv/docs/a", "/srv/docs/a/b.md", "/srv"]) {
      expect(documentIdOf({ root: "/srv", given, file: "/srv/docs/a/b.md" })).toBe("docs/a/b.md");
    }
  });

  it("begins with the given folder where that lies outside", () => {
    expect(documentIdOf({ root: "/srv", given: "/data/hr", file: "/data/hr/leave/a.md" })).toBe("hr/leave/a.md");
    expect(documentIdOf({ root: "/srv", given: "/data/hr/a.md", file: "/data/hr/a.md" })).toBe("a.md");
    expect(documentIdOf({ root: "/srv/a", given: "/srv", file: "/srv/b.md" })).toBe("srv/b.md");
  });

  it("is composed, though a file system may decompose it", () => {
    const decomposed = "휴가.md".normalize("NFD");
    expect(documentIdOf({ root: "/w", given: "/w", file: `/w/${decomposed}` })).toBe("휴가.md");
    expect(nameOf(`/w/${decomposed}`)).toBe("휴가");
    expect(nameOf("/w/notes.2026.txt")).toBe("notes.2026");
  });

  it("may begin with dots that are no way up", () => {
    expect(documentIdOf({ root: "/w", given: "/w/..a/x.md", file: "/w/..a/x.md" })).toBe("..a/x.md");
  });
});
