import { isLoopback } from "../loopback.ts";
import { type HttpRequest, type HttpResponse, refuse } from "./http.ts";

/** Stands for every name of this machine itself: `localhost`, `127.0.0.1`, `[::1]`. */
export const loopbackNames = "loopback";

/**
 * Says to which names a server answers. A page that had its own name resolved to this machine (DNS rebinding) reads whatever the server gives,
 * past CORS, since for the browser it is the same origin; only the name in the request tells.
 *
 * Gives a function that refuses a request for another name with 421, and says whether it did.
 */
export function createHostCheck(names: readonly string[]): (request: HttpRequest, response: HttpResponse) => boolean {
  const known = new Set(names.map((name) => name.toLowerCase()));
  const answersTo = (name: string) => known.has(name) || (known.has(loopbackNames) && isLoopback(name));
  // Clients call by the same name again and again, and taking a URL apart costs more than the rest of this.
  let answered: string | undefined;
  return (request, response) => {
    const authority = authorityOf(request);
    if (authority !== undefined && authority === answered) return false;
    if (answersTo(nameIn(authority))) {
      answered = authority;
      return false;
    }
    refuse(
      response,
      421,
      "This server does not answer to that name; the operator lists its names in QUARTET_HOST_NAMES.",
    );
    return true;
  };
}

function authorityOf({ headers }: HttpRequest): string | undefined {
  const authority = headers[":authority"] ?? headers.host;
  return typeof authority === "string" ? authority : undefined;
}

/** The name that the client called, without port and brackets; empty where there is none. */
function nameIn(authority = ""): string {
  const url = `http://${authority}`;
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, "") : "";
}
