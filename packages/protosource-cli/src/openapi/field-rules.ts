/** The rules of buf.validate on messages and fields, as the descriptors have them. */
import {
  type DescExtension,
  type DescField,
  type DescMessage,
  type DescOneof,
  getExtension,
  hasExtension,
  type Message,
  type Registry,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";

/** What a field has to keep. */
export interface FieldRules {
  readonly required: boolean;
  /** Whether all else is kept by the zero value too, whatever it says. */
  readonly mayBeZero: boolean;
  /** The rules of the field's type by their names, as far as they are given. */
  readonly ofType: ReadonlyMap<string, unknown>;
  /** The name of the type that they are for, such as `string`. */
  readonly type: string | undefined;
  /** The rules that are expressions, in words. */
  readonly expressions: readonly string[];
}

/** What the fields of a message have to keep together. */
export interface MessageRules {
  /** Of these fields one at most is set, and one at least where that is required. */
  readonly oneofs: readonly { readonly fields: readonly string[]; readonly required: boolean }[];
  readonly expressions: readonly string[];
}

/** Reads rules. */
export interface RulesReader {
  ofMessage(message: DescMessage): MessageRules;
  /** The rules of a field; of none that are never asked. */
  ofField(field: DescField): FieldRules;
  isRequired(oneof: DescOneof): boolean;
}

/** The rules of what has none. */
const NO_RULES: FieldRules = {
  required: false,
  mayBeZero: false,
  ofType: new Map(),
  type: undefined,
  expressions: [],
};

const IF_ZERO_VALUE = 1;
const ALWAYS = 3;

/** Makes the reader for descriptors that may know buf.validate: where they don't, nothing has rules. */
export function rulesReader(registry: Registry): RulesReader {
  const [message, field, oneof] = ["message", "field", "oneof"].map((name) =>
    registry.getExtension(`buf.validate.${name}`),
  );
  return {
    ofMessage({ proto }) {
      const rules = given(extensionOf(proto.options, message));
      const oneofs = ((rules.get("oneof") ?? []) as readonly ReflectMessage[]).map(given);
      return {
        oneofs: oneofs.map((one) => ({
          fields: (one.get("fields") ?? []) as readonly string[],
          required: one.get("required") === true,
        })),
        expressions: expressionsOf(rules),
      };
    },
    ofField: ({ proto }) => fieldRules(extensionOf(proto.options, field)),
    isRequired: ({ proto }) => given(extensionOf(proto.options, oneof)).get("required") === true,
  };
}

/** Reads the rules of a field, or those within them of its elements. */
export function fieldRules(rules: ReflectMessage | undefined): FieldRules {
  const all = given(rules);
  const ignore = all.get("ignore");
  if (rules === undefined || ignore === ALWAYS) return NO_RULES;
  const typed = rules.desc.oneofs[0] && rules.oneofCase(rules.desc.oneofs[0]);
  return {
    required: all.get("required") === true,
    mayBeZero: ignore === IF_ZERO_VALUE,
    ofType: given(typed && (rules.get(typed) as ReflectMessage)),
    type: typed?.name,
    expressions: expressionsOf(all),
  };
}

function extensionOf(
  options:
    | Message<"google.protobuf.FieldOptions" | "google.protobuf.MessageOptions" | "google.protobuf.OneofOptions">
    | undefined,
  extension: DescExtension | undefined,
): ReflectMessage | undefined {
  if (options === undefined || extension?.message === undefined) return undefined;
  if (!hasExtension(options, extension)) return undefined;
  return reflect(extension.message, getExtension(options, extension) as Message);
}

/** Gives the fields that are set, by their names. */
function given(message: ReflectMessage | undefined): ReadonlyMap<string, unknown> {
  const set = message?.fields.filter((field) => message.isSet(field)) ?? [];
  return new Map(
    set.map((field) => {
      const value: unknown = message?.get(field);
      return [field.name, field.fieldKind === "list" ? [...(value as Iterable<unknown>)] : value];
    }),
  );
}

function expressionsOf(rules: ReadonlyMap<string, unknown>): readonly string[] {
  const cel = ((rules.get("cel") ?? []) as readonly ReflectMessage[]).map(given);
  const plain = (rules.get("cel_expression") ?? []) as readonly string[];
  return [...cel.map((rule) => String(rule.get("message") ?? rule.get("expression") ?? rule.get("id"))), ...plain];
}
