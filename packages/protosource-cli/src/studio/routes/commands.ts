import { create, type DescField, type JsonValue, ScalarType, toJson } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { CommandForms, FormField } from "../contract.js";
import { knownOf } from "../known-of.js";
import { required } from "../query.js";
import type { Route } from "../studio.js";

/** What the studio fills in itself. */
const OWN: readonly string[] = ["id", "actor"];

/** `commands`: what each command of the aggregate of the stream `id` takes. */
export const commands: Route = async ({ schemas }, query): Promise<CommandForms> => {
  const { definition } = knownOf(schemas, required(query, "id"));
  return {
    commands: definition.model.commands.map(({ schema, allowedStates }) => ({
      name: schema.name,
      allowedStates,
      fields: schema.fields.filter(({ name }) => !OWN.includes(name)).map(formField),
    })),
  };
};

/** What can be left unset is, unless it is filled in: of a oneof there can be one field alone. */
function formField(field: DescField): FormField {
  const { jsonName: name } = field;
  const isOptional = field.oneof !== undefined || field.presence === FeatureSet_FieldPresence.EXPLICIT;
  if (field.fieldKind === "enum") {
    const names = field.enum.values.map(({ name }) => name);
    return { name, kind: "enum", values: isOptional ? ["", ...names] : names };
  }
  if (field.fieldKind === "scalar") {
    const kind = kindOf(field.scalar);
    // A box that isn't ticked says no.
    return { name, kind: kind === "boolean" && isOptional ? "json" : kind };
  }
  const hasExample = field.oneof === undefined && field.message?.typeName !== ValueSchema.typeName;
  return { name, kind: "json", ...(hasExample ? { example: exampleOf(field) } : {}) };
}

function kindOf(scalar: ScalarType): FormField["kind"] {
  if (scalar === ScalarType.BOOL) return "boolean";
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES ? "text" : "number";
}

function exampleOf(field: DescField): JsonValue {
  if (field.fieldKind === "list") return [];
  if (field.message === undefined || field.fieldKind === "map") return {};
  return toJson(field.message, create(field.message), { alwaysEmitImplicit: true });
}
