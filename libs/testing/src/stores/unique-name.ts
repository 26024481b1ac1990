import { randomUUID } from "node:crypto";

/** A name that no other run and no other suite uses, such as `quartet_test_0f3c5a9b21d4`. */
export function uniqueName(separator: "_" | "-" | ":"): string {
  return ["quartet", "test", randomUUID().replaceAll("-", "").slice(0, 12)].join(separator);
}
