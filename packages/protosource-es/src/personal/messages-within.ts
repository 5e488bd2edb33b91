/** The messages in a field, be it one, a list or a map. */
import { type DescField, isFieldSet, type Message } from "@bufbuild/protobuf";

type Properties = Record<string, unknown>;

/** Gives the value of a field that is set. */
export function fieldValue(message: Message, { localName, oneof }: DescField): unknown {
  const properties = message as unknown as Properties;
  return oneof === undefined ? properties[localName] : (properties[oneof.localName] as { value?: unknown }).value;
}

/** Sets a field. */
export function setField(message: Message, { localName, oneof }: DescField, value: unknown): void {
  const properties = message as unknown as Properties;
  if (oneof === undefined) properties[localName] = value;
  else properties[oneof.localName] = { case: localName, value };
}

/** Gives the messages in a field. */
export function messagesWithin(message: Message, field: DescField): readonly Message[] {
  if (!isFieldSet(message, field)) return [];
  const value = fieldValue(message, field);
  return field.fieldKind === "message" ? [value as Message] : Object.values(value as Record<string, Message>);
}

/** Puts other messages in the place of those in a field, of which nothing else changes. */
export function replaceWithin(message: Message, field: DescField, change: (one: Message) => Message): void {
  if (!isFieldSet(message, field)) return;
  const value = fieldValue(message, field) as object;
  if (field.fieldKind === "message") setField(message, field, change(value as Message));
  else if (field.fieldKind === "list") setField(message, field, (value as Message[]).map(change));
  else {
    const entries = Object.entries(value).map(([key, one]) => [key, change(one as Message)] as const);
    setField(message, field, Object.fromEntries(entries));
  }
}
