/** The query class of a message with keys: one method for its row, and one for each index that it is in. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import {
  type GsiNumber,
  hasPersonal,
  indexAttributes,
  type KeyAttribute,
  type KeyModel,
  type KeyPart,
  keyParts,
  NUM_GSIS,
  sortOptionName,
} from "protosource-es/model";
import { annotationOf } from "../model.js";
import { listed } from "../words.js";
import { docComment } from "./comment.js";
import { type IndexFields, parameterName, queriesName, selectNames } from "./names.js";
import { exported, type Output, type Parameter, printCallable } from "./output.js";

export function emitQueries(keys: KeyModel, output: Output): void {
  const { schema } = keys;
  const { print, target } = output;
  const type = `rt.QueryClient<typeof ${output.schema(schema)}>`;
  const keyring = hasPersonal(schema) ? [{ name: "keyring", type: "rt.Keyring" }] : [];
  print();
  print(docComment([`Reads the rows of ${schema.name}.`]));
  print(`${exported(output)} class ${queriesName(schema)} {`);
  print({ ts: `  readonly #client: ${type};`, js: "  #client;", dts: "  #private;" }[target]);
  print();
  printCallable(
    {
      head: "constructor",
      parameters: [{ name: "store", type: "rt.OpaqueStore" }, ...keyring],
      body: `this.#client = rt.queryClient(${[output.schema(schema), "store", ...keyring.map(({ name }) => name)].join(", ")});`,
      indentation: "  ",
    },
    output,
  );
  emitGet(keys, output);
  const indexes = indexesOf(keys);
  const names = selectNames(indexes);
  for (const [i, index] of indexes.entries()) emitSelect(schema, index, names[i] ?? "", output);
  print("}");
}

function emitGet(keys: KeyModel, output: Output): void {
  const { schema, role } = keys;
  const fields = fieldsOf(keyParts(keys));
  const row = role === "other" ? objectOf(fields) : "id";
  output.print();
  output.print(
    docComment([`Reads the row of one ${listed(namesOf(fields), "and")}; undefined when there is none.`], "  "),
  );
  printCallable(
    {
      head: "get",
      parameters: [...parametersOf(schema, fields, output), { name: "options", type: "rt.GetOptions", optional: true }],
      result: `Promise<${output.shape(schema)} | undefined>`,
      body: `return this.#client.get(${row}, options);`,
      indentation: "  ",
    },
    output,
  );
}

function emitSelect(schema: DescMessage, index: IndexFields, name: string, output: Output): void {
  const { number, partition, sort, needs } = index;
  const conditions = sort.map((field, i) => {
    const type = typeText(schema, field, output);
    return `${sortOptionName(field)}: ${i < sort.length - 1 ? type : comparisonText(field, type)}`;
  });
  const options = conditions.length === 0 ? "rt.PageOptions" : `rt.QueryOptions<{ ${conditions.join("; ")} }>`;
  const source = number === 0 ? "the rows of one key" : `index ${number}`;
  const order = sort.length === 0 ? "" : `, sorted by ${listed(namesOf(sort), "then")}`;
  output.print();
  const rows = needs.length === 0 ? "" : ` It holds no row without ${listed(namesOf(needs), "and")}.`;
  output.print(docComment([`Reads ${source}: ${listed(namesOf(partition), "and")}${order}.${rows}`], "  "));
  printCallable(
    {
      head: name,
      parameters: [...parametersOf(schema, partition, output), { name: "options", type: options, optional: true }],
      result: `Promise<rt.Page<${output.shape(schema)}>>`,
      body: `return this.#client.select(${number}, ${objectOf(partition)}, options);`,
      indentation: "  ",
    },
    output,
  );
}

/** What can be selected by: each index, and the table itself where fields make its sort key. */
export function indexesOf({ templates }: KeyModel): readonly IndexFields[] {
  const fields = (key: KeyAttribute): readonly DescField[] => fieldsOf(templates.get(key)?.parts ?? []);
  return Array.from({ length: NUM_GSIS + 1 }, (_, number) => {
    const [pk, sk] = indexAttributes(number as GsiNumber | 0);
    return { number, partition: fields(pk), sort: fields(sk), needs: templates.get(pk)?.needs ?? [] };
  }).filter(({ number, partition, sort }) => partition.length > 0 && (number > 0 || sort.length > 0));
}

function fieldsOf(parts: readonly KeyPart[]): readonly DescField[] {
  return parts.map(({ field }) => field);
}

function namesOf(fields: readonly DescField[]): readonly string[] {
  return fields.map(({ name }) => name);
}

function parametersOf(schema: DescMessage, fields: readonly DescField[], output: Output): readonly Parameter[] {
  return fields.map((field) => ({ name: parameterName(field), type: typeText(schema, field, output) }));
}

/** An object of the parameters: `{ owner, delete: delete$ }`. */
function objectOf(fields: readonly DescField[]): string {
  const properties = fields.map((field) => {
    const name = parameterName(field);
    return name === field.localName ? name : `${field.localName}: ${name}`;
  });
  return `{ ${properties.join(", ")} }`;
}

/** The comparison that a field as the last of a sort key takes. */
function comparisonText(field: DescField, type: string): string {
  if (annotationOf(field).sortsAsNumber) return `rt.NumberSort<${isLongText(field) ? "bigint" : type}>`;
  if (field.fieldKind !== "scalar") return `rt.ExactSort<${type}>`;
  switch (field.scalar) {
    case ScalarType.STRING:
      return "rt.TextSort";
    case ScalarType.BOOL:
    case ScalarType.BYTES:
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return `rt.ExactSort<${type}>`;
    default:
      return `rt.NumberSort<${isLongText(field) ? "bigint" : type}>`;
  }
}

/** Tells whether a whole number is a text in TypeScript. */
function isLongText(field: DescField): boolean {
  return "longAsString" in field && field.longAsString;
}

/** The type of a field's values in TypeScript. An enum of another file is named by way of the message. */
function typeText(schema: DescMessage, field: DescField, output: Output): string {
  const { enum: desc } = field;
  if (desc !== undefined && desc.file !== schema.file) {
    if (field.fieldKind === "enum" && field.oneof !== undefined) return "number";
    const property = `${output.shape(schema)}["${field.localName}"]`;
    const isPlain = field.fieldKind === "list" || field.presence === FeatureSet_FieldPresence.IMPLICIT;
    return isPlain ? property : `NonNullable<${property}>`;
  }
  const element = desc === undefined ? scalarText(field) : output.shape(desc);
  return field.fieldKind === "list" ? `readonly ${element}[]` : element;
}

function scalarText(field: DescField): string {
  switch (field.scalar) {
    case ScalarType.STRING:
      return "string";
    case ScalarType.BOOL:
      return "boolean";
    case ScalarType.BYTES:
      return "Uint8Array";
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return isLongText(field) ? "string" : "bigint";
    default:
      return "number";
  }
}
