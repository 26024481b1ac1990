/** One server-sent event, of what model providers use of it. */
export interface ServerSentEvent {
  /** Empty when it has no name. */
  readonly event: string;
  /** Its lines, joined by line feeds. */
  readonly data: string;
  /** False for one at the very end without its blank line: it may be cut off, or the provider leaves the line out. */
  readonly isWhole: boolean;
}

export interface EventReader {
  /** The events that end in these bytes. */
  push(bytes: Uint8Array): ServerSentEvent[];
  /** What is left at the end of the bytes: one event at most, that is not whole. */
  end(): ServerSentEvent[];
}

/**
 * Reads server-sent events, as https://html.spec.whatwg.org/multipage/server-sent-events.html says: lines end in LF, CR LF or CR, wherever the
 * bytes are cut; comments, fields that are not known and events without data are passed over. One thing is otherwise: an event at the very end
 * that lacks its blank line is given as well, and marked.
 */
export function createEventReader(): EventReader {
  const decoder = new TextDecoder();
  const lines = createLineCutter();
  const events = createEventBuilder();
  const read = (given: readonly string[]) =>
    given.map((line) => events.add(line)).filter((event) => event !== undefined);
  return {
    push: (bytes) => read(lines.push(decoder.decode(bytes, { stream: true }))),
    end: () => {
      const whole = read(lines.push(decoder.decode()));
      // An empty rest is no line, so it ends no event.
      if (lines.rest() !== "") events.add(lines.rest());
      const last = events.add("");
      return last === undefined ? whole : [...whole, { ...last, isWhole: false }];
    },
  };
}

/** Cuts text into lines as it comes. A CR ends its line at once; an LF that follows belongs to it. */
function createLineCutter() {
  let rest = "";
  let afterCr = false;
  return {
    push(text: string): string[] {
      if (text === "") return [];
      const pieces = (afterCr && text.startsWith("\n") ? text.slice(1) : text).split(/\r\n|\n|\r/);
      afterCr = text.endsWith("\r");
      pieces[0] = rest + pieces[0]!;
      rest = pieces.pop()!;
      return pieces;
    },
    rest: () => rest,
  };
}

function createEventBuilder() {
  let event = "";
  let data: string[] = [];
  return {
    add(line: string): ServerSentEvent | undefined {
      if (line === "") {
        const built = data.length === 0 ? undefined : { event, data: data.join("\n"), isWhole: true };
        event = "";
        data = [];
        return built;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (field === "data") data.push(value);
      else if (field === "event") event = value;
      return undefined;
    },
  };
}
