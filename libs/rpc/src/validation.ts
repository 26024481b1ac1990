import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { Code } from "@connectrpc/connect";
import { type FieldViolation, quartetError } from "@quartet/errors";
import { createNestedFinder } from "./nested-messages.ts";

export interface RequestValidator {
  /** Throws INVALID_ARGUMENT (FIELD_INVALID) naming the fields that break the contract's rules. */
  check(type: DescMessage, message: Message): void;
  /** Compiles a type's rules ahead of its first message. */
  prepare(type: DescMessage): void;
}

/** One for all servers of a process: it keeps nothing but compiled rules, and those of a service take a quarter of a second. */
const validator = createValidator({ regexMatch: createRegexMatcher() });

/** Details travel in headers, which hold little; more would tell the caller nothing new. */
const maxViolations = 16;

/**
 * A validator that keeps each type's compiled rules. protovalidate 1.3.0 does not look into a message inside a message of its own type, as
 * in a filter's tree: each of those is validated here as a root again.
 */
export function createRequestValidator(): RequestValidator {
  const findNested = createNestedFinder();
  const check = (type: DescMessage, message: Message) => {
    // By what they say: protovalidate does look into a message that is a field of itself, directly.
    const violations = new Map<string, FieldViolation>();
    const validate = (root: DescMessage, value: Message, at: Path) => {
      const result = validator.validate(root, value);
      if (result.kind === "error") throw result.error;
      for (const violation of result.violations ?? []) {
        const { field, description } = describe(violation, at);
        violations.set(`${field}: ${description}`, { field, description });
      }
    };
    validate(type, message, []);
    findNested(type, message, validate);
    if (violations.size > 0) throw invalid([...violations.values()]);
  };
  return {
    check,
    prepare: (type) => void validator.validate(type, create(type)),
  };
}

/**
 * The engine of Node instead of protovalidate's own in JavaScript, which takes 0.3 s for a million characters and holds everything else
 * up meanwhile. The patterns are the contract's, few and written to match in one pass, never a caller's. The one difference: `\s` here
 * knows the white space of every script, and not that of ASCII alone.
 */
function createRegexMatcher(): (pattern: string, against: string) => boolean {
  const compiled = new Map<string, RegExp>();
  return (pattern, against) => {
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = new RegExp(pattern, "u");
      compiled.set(pattern, expression);
    }
    return expression.test(against);
  };
}

/** A regular expression tells people nothing; the contract's comment on the field says the same in words. */
const wrongForm = "is blank or holds characters that it must not hold; the field's comment in the contract says which";

function describe({ field, message, ruleId }: Violation, at: Path): FieldViolation {
  const description = ruleId === "string.pattern" ? wrongForm : message;
  return { field: pathToString([...at, ...field]), description };
}

function invalid(violations: readonly FieldViolation[]): Error {
  const { field, description } = violations[0]!;
  return quartetError({
    code: Code.InvalidArgument,
    reason: "FIELD_INVALID",
    message: field === "" ? description : `${field}: ${description}`,
    violations: violations.slice(0, maxViolations),
  });
}
