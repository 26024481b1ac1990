import { create } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";

/**
 * A time measured in milliseconds, to the microsecond; below zero it is zero. protobuf's own `durationFromMs` is for whole
 * milliseconds: of what a clock measures it makes fractions of nanoseconds, which cannot be encoded.
 */
export function toDuration(ms: number): Duration {
  const micros = Math.round(Math.max(0, ms) * 1000);
  const seconds = Math.floor(micros / 1_000_000);
  return create(DurationSchema, { seconds: BigInt(seconds), nanos: (micros - seconds * 1_000_000) * 1000 });
}
