/** How one answer shows what is personal: masked, unless the request asks for it. */
import type { DescField, DescMessage, JsonValue } from "@bufbuild/protobuf";
import { isProtosourceError, type ProtosourceError } from "protosource-es";
import { type KeyAttribute, keyModel, subjectName } from "protosource-es/model";
import type { Schemas } from "../schemas.js";
import { isHidden, knowsPersonal, MASK, maskPersonal, mayHide } from "./mask-personal.js";

/** Stands for a text that somebody else wrote, who may have quoted what is personal. */
const WITHHELD = `${MASK} what is said here may quote personal fields: show them to read it`;

export interface PersonalView {
  /** Whether personal fields are asked for. What is sealed is shown where there are keys. */
  readonly isShown: boolean;
  /** Gives the JSON of a message as it may be shown, and whether something of it is masked. */
  show(schema: DescMessage, json: JsonValue): { readonly json: JsonValue; readonly masked: boolean };
  /** Gives a text of the domain's code, or of what reads stored data: as it is, or what stands for it. */
  quote(text: string): string;
  /** Gives a key of a row as it may be shown. */
  key(schema: DescMessage | undefined, attribute: KeyAttribute, value: string): string;
  /** Tells whether a field is left out. */
  hides(field: DescField): boolean;
  /** Tells whether bytes are left out, by the schema of their message; undefined where they can't be read. */
  hidesBytes(schema: DescMessage | undefined): boolean;
}

/** Gives how the answer to a request shows what is personal: `personal=shown` asks for it. */
export function personalView({ registry }: Schemas, query: URLSearchParams): PersonalView {
  const isShown = query.get("personal") === "shown";
  const hides = !isShown && knowsPersonal(registry);
  return {
    isShown,
    show: (schema, json) => (hides ? maskPersonal(schema, json) : { json, masked: false }),
    quote: (text) => (hides ? WITHHELD : text),
    key: (schema, attribute, value) => (hides && value !== "" && isPersonalKey(schema, attribute) ? MASK : value),
    hides: (field) => hides && isHidden(field),
    hidesBytes: (schema) => hides && (schema === undefined || mayHide(schema)),
  };
}

/** Gives what an error says as it may be shown: where the domain's code fails, it may quote what is personal. */
export function wordsOf(error: ProtosourceError, personal: PersonalView): string {
  const isOfDomain = isProtosourceError(error, "invalid_argument") && error.details.argument === "--domain";
  return isOfDomain ? personal.quote(error.rawMessage) : error.rawMessage;
}

/** Tells whether a key is made of personal values. Of rows that nothing is known of, all but the first two may be. */
function isPersonalKey(schema: DescMessage | undefined, attribute: KeyAttribute): boolean {
  const parts = schema && keyModel(schema)?.templates.get(attribute)?.parts;
  if (parts === undefined) return schema === undefined && attribute !== "pk" && attribute !== "sk";
  return parts.some(({ field }) => subjectName(field) !== undefined);
}
