/** The fields of keys as a form asks for them. */
import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { indexAttributes, type KeyModel, type KeyPart, NUM_GSIS, subjectName } from "protosource-es/model";
import type { IndexInfo, KeyField } from "./rows-contract.js";

const EXACT = ["="] as const;
const RANGE = ["=", "<", "<=", ">", ">="] as const;
const TEXT = [...RANGE, "^="] as const;

/** Gives the indexes that hold a message, and the table itself where its keys are made of fields. */
export function indexesOf({ templates }: KeyModel): readonly IndexInfo[] {
  return Array.from({ length: NUM_GSIS + 1 }, (_, index) => {
    const [pk, sk] = indexAttributes(index as Parameters<typeof indexAttributes>[0]);
    const fieldsOf = (name: typeof pk): readonly KeyField[] => (templates.get(name)?.parts ?? []).map(keyField);
    return { index, partition: fieldsOf(pk), sort: fieldsOf(sk) };
  }).filter(({ partition }) => partition.length > 0);
}

function keyField({ field, isOrdered }: KeyPart): KeyField {
  const kind = kindOf(field);
  const bounds = kind === "integer" ? BOUNDS.get(field.scalar as ScalarType) : undefined;
  const ranged = kind === "integer" || isOrdered;
  return {
    name: field.name,
    kind,
    ...(field.enum ? { values: field.enum.values.map(({ name }) => name) } : {}),
    ...(bounds === undefined ? {} : { bounds: [String(bounds[0]), String(bounds[1])] }),
    ...(subjectName(field) === undefined ? {} : { personal: true }),
    operators: kind === "text" ? TEXT : ranged ? RANGE : EXACT,
  };
}

function kindOf(field: DescField): KeyField["kind"] {
  if (field.fieldKind === "enum") return "enum";
  if (field.fieldKind !== "scalar") return "none";
  switch (field.scalar) {
    case ScalarType.STRING:
      return "text";
    case ScalarType.BOOL:
      return "bool";
    case ScalarType.BYTES:
      return "bytes";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return "number";
    default:
      return "integer";
  }
}

const INT32 = [-(2n ** 31n), 2n ** 31n - 1n] as const;
const UINT32 = [0n, 2n ** 32n - 1n] as const;
const INT64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;
const UINT64 = [0n, 2n ** 64n - 1n] as const;

const BOUNDS: ReadonlyMap<ScalarType, readonly [bigint, bigint]> = new Map([
  [ScalarType.INT32, INT32],
  [ScalarType.SINT32, INT32],
  [ScalarType.SFIXED32, INT32],
  [ScalarType.UINT32, UINT32],
  [ScalarType.FIXED32, UINT32],
  [ScalarType.INT64, INT64],
  [ScalarType.SINT64, INT64],
  [ScalarType.SFIXED64, INT64],
  [ScalarType.UINT64, UINT64],
  [ScalarType.FIXED64, UINT64],
]);
