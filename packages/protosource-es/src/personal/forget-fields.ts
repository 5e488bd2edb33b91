/** What tests of a domain need, where nothing is sealed: messages as they are read once persons were forgotten. */
import { clearField, isFieldSet, type Message } from "@bufbuild/protobuf";
import { envelopesOf, erasedEnvelope, setEnvelopes } from "./envelopes.js";
import { fieldValue, messagesWithin } from "./messages-within.js";
import type { PersonalPlan } from "./personal-plan.js";

/** Empties the personal fields of persons in a message, in place, so that `isErased` tells. */
export function forgetFields(plan: PersonalPlan, message: Message, subjects: ReadonlySet<string>): void {
  for (const { subject, fields } of plan.groups) {
    const name = String(fieldValue(message, subject));
    const set = fields.filter((field) => isFieldSet(message, field));
    if (!subjects.has(name) || set.length === 0) continue;
    for (const field of set) clearField(message, field);
    setEnvelopes(message, [...envelopesOf(message), erasedEnvelope(name)]);
  }
  for (const { field, plan: inner } of plan.within) {
    for (const one of messagesWithin(message, field)) forgetFields(inner, one, subjects);
  }
}
