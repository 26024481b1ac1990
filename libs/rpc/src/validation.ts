import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import { type Path, pathToString, reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { Code } from "@connectrpc/connect";
import { type FieldViolation, quartetError } from "@quartet/errors";

/** Throws INVALID_ARGUMENT (FIELD_INVALID) naming the fields that break the contract's rules. */
export type RequestValidator = (type: DescMessage, message: Message) => void;

/** A header can carry so many; the rest adds nothing. */
const maxViolations = 16;

/**
 * A validator that keeps each type's compiled rules. Beyond protovalidate's own rules it checks
 * - messages inside messages of their own type, as in a filter's tree, which protovalidate 1.3.0 does not look into: each is a root again;
 * - that strings are well-formed: JSON can carry a lone surrogate, which no store can keep and no wire can carry.
 */
export function createRequestValidator(): RequestValidator {
  const validator = createValidator();
  return (type, message) => {
    const violations: FieldViolation[] = [];
    const add = (prefix: Path, found: readonly Violation[]) =>
      violations.push(
        ...found.map(({ field, message }) => ({ field: pathToString([...prefix, ...field]), description: message })),
      );
    const result = validator.validate(type, message);
    if (result.kind === "error") throw result.error;
    if (result.kind === "invalid") add([], result.violations);
    if (violations.length > 0) throw invalid(violations);
  };
}

function invalid(violations: readonly FieldViolation[]) {
  const [first] = violations;
  return quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: `${first?.field || "request"}: ${first?.description}`,
    violations: violations.slice(0, maxViolations),
  });
}
