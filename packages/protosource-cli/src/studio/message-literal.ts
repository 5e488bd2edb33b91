/** Messages as the code that makes them. */
import { type DescField, type DescMessage, isFieldSet, type Message } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";

/**
 * Writes a message as what `create` takes, in TypeScript, without the fields of some names, and without those that are
 * hidden, however deep.
 */
export function messageLiteral(
  schema: DescMessage,
  message: Message,
  hides: (field: DescField) => boolean,
  without: readonly string[] = [],
): string {
  const values = message as unknown as { readonly [localName: string]: unknown };
  const fields = schema.members.flatMap((member) => {
    const value = values[member.localName];
    if (member.kind === "oneof") {
      const { case: name, value: chosen } = value as { readonly case?: string; readonly value?: unknown };
      const field = member.fields.find(({ localName }) => localName === name);
      if (field === undefined || hides(field)) return [];
      return [
        `${member.localName}: { case: ${JSON.stringify(name)}, value: ${valueText(chosen, field.message, hides)} }`,
      ];
    }
    if (without.includes(member.name) || hides(member) || !isFieldSet(message, member)) return [];
    return [`${member.localName}: ${valueText(value, member.message, hides)}`];
  });
  return braced(fields);
}

/** `schema` is that of the messages that the value is, or holds. */
function valueText(value: unknown, schema: DescMessage | undefined, hides: (field: DescField) => boolean): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (value instanceof Uint8Array) return `Buffer.from("${base64Encode(value)}", "base64")`;
  if (Array.isArray(value)) return `[${value.map((one) => valueText(one, schema, hides)).join(", ")}]`;
  if (schema !== undefined && "$typeName" in value) return messageLiteral(schema, value as Message, hides);
  return braced(Object.entries(value).map(([key, one]) => `${keyText(key)}: ${valueText(one, schema, hides)}`));
}

/** A key `__proto__` that isn't computed would set what the object inherits. */
function keyText(key: string): string {
  const text = JSON.stringify(key);
  return key === "__proto__" ? `[${text}]` : text;
}

function braced(fields: readonly string[]): string {
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}
