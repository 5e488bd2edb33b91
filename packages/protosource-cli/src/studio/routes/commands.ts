import { create, type DescField, type JsonValue, ScalarType, toJson } from "@bufbuild/protobuf";
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

function formField(field: DescField): FormField {
  const { jsonName: name } = field;
  if (field.fieldKind === "enum") return { name, kind: "enum", values: field.enum.values.map(({ name }) => name) };
  if (field.fieldKind === "scalar") return { name, kind: kindOf(field.scalar) };
  return { name, kind: "json", example: exampleOf(field) };
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
