/** Step 3: whether the fields of the command keep the rules of its .proto. */
import type { DescFile, DescMessage, Message } from "@bufbuild/protobuf";
import { type Path, pathToString } from "@bufbuild/protobuf/reflect";
import type { Validator } from "@bufbuild/protovalidate";
import { type FieldViolation, ProtosourceError } from "../errors.js";
import { fileRegistry } from "../serializer/file-registry.js";
import { andThen } from "./maybe-async.js";
import { messagesWithin } from "./messages-within.js";

/** Finds what is wrong with the fields of a command. */
export type ValidateFields = (
  schema: DescMessage,
  command: Message,
) => readonly FieldViolation[] | Promise<readonly FieldViolation[]>;

/**
 * Checks the fields of a command. Throws `validation_failed` with every violation.
 */
export function validate(
  schema: DescMessage,
  command: Message,
  find: ValidateFields = findViolations,
): void | Promise<void> {
  return andThen(find(schema, command), (violations) => {
    if (violations.length === 0) return;
    const list = violations.map(describe).join("; ");
    throw new ProtosourceError("validation_failed", `${schema.name} has wrong fields: ${list}`, { violations });
  });
}

function describe({ field, rule, message }: FieldViolation): string {
  return `${field === "" ? "" : `${field}: `}${message} (${rule})`;
}

/** The number of the options with which protovalidate extends fields, messages and oneofs. */
const RULES_EXTENSION = 1159;

const ruled = new WeakMap<DescMessage, boolean>();
const validators = new WeakMap<DescFile, Validator>();
let protovalidate: typeof import("@bufbuild/protovalidate") | undefined;

/**
 * Finds violations of `buf.validate` rules, with @bufbuild/protovalidate. It is loaded by the first command that has
 * rules, so that a domain without any doesn't need it.
 *
 * Throws `not_configured` when it isn't installed, and `invalid_argument` for rules that can't be evaluated.
 */
function findViolations(
  schema: DescMessage,
  command: Message,
): readonly FieldViolation[] | Promise<readonly FieldViolation[]> {
  if (!hasRules(schema)) return [];
  return andThen(protovalidate ?? importProtovalidate(schema), ({ createValidator }) => {
    let validator = validators.get(schema.file);
    if (validator === undefined) {
      validator = createValidator({ registry: fileRegistry(schema.file) });
      validators.set(schema.file, validator);
    }
    const { kind, error, violations } = validator.validate(schema, command);
    if (kind === "error") {
      throw new ProtosourceError(
        "invalid_argument",
        `the rules of ${schema.typeName} can't be evaluated: ${error.message}`,
        { argument: schema.typeName },
        { cause: error },
      );
    }
    return (violations ?? []).map(({ field, ruleId, message }) => ({
      field: pathToString(field),
      jsonField: jsonPath(field),
      rule: ruleId,
      message,
    }));
  });
}

/** Spells a path as JSON does. The name of a oneof isn't in JSON, and stays as it is. */
function jsonPath(path: Path): string {
  const steps = path.map((step, i) => {
    if (step.kind !== "field" && step.kind !== "oneof") return pathToString([step]);
    return `${i === 0 ? "" : "."}${step.kind === "field" ? step.jsonName : step.name}`;
  });
  return steps.join("");
}

async function importProtovalidate(schema: DescMessage): Promise<typeof import("@bufbuild/protovalidate")> {
  try {
    protovalidate = await import("@bufbuild/protovalidate");
    return protovalidate;
  } catch (cause) {
    throw new ProtosourceError(
      "not_configured",
      `${schema.typeName} has buf.validate rules, and @bufbuild/protovalidate can't be loaded: install it, or give the repository a function validate`,
      { option: "validate" },
      { cause },
    );
  }
}

/** Tells whether a message, or one inside it, has rules. */
function hasRules(schema: DescMessage): boolean {
  let found = ruled.get(schema);
  if (found === undefined) {
    found = [...messagesWithin(schema)].some(isRuled);
    ruled.set(schema, found);
  }
  return found;
}

/** An option is kept unread where its type isn't registered. */
function isRuled(schema: DescMessage): boolean {
  return [schema, ...schema.fields, ...schema.oneofs].some(
    ({ proto }) => proto.options?.$unknown?.some(({ no }) => no === RULES_EXTENSION) ?? false,
  );
}
