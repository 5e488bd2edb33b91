/**
 * What each rule asks of a schema. An id is stable: a program, a note or a search may name it. Its letter says what the
 * rule is about: F file, A aggregate, C command, E event, S snapshot, P projection, L list, O opaque key, N name, W warning.
 */
export const RULES = {
  F1: "An enabled file has an aggregate.",
  F2: "A file has one aggregate only.",
  F3: "The aggregate is the first message of its file.",
  F4: "Exactly one command of a file creates.",
  F5: "The events of a creation command after its first are also emitted by a command that doesn't create.",
  F6: "A file has at most one snapshot message.",
  F7: "A projection has the field `string id`.",
  F8: "An enabled file has a package: it begins the key of every stream and row.",
  F9: "No two enabled files have packages that are equal once dots are underscores: they would share streams.",
  F10: "Only top-level messages have a role.",
  A1: "An aggregate has `string id`, `int64 version`, `int64 create_at`, `string create_by`, `int64 modify_at` and `string modify_by`.",
  A2: "`event_ttl_seconds` is between 0 and 9223372036.",
  A3: "States are the values of the aggregate's field `state`, an enum.",
  C1: "A command has `string id = 1` and `string actor = 2`.",
  C2: "A command emits an event.",
  C3: "`produces_events` names top-level messages of the same file.",
  C4: "`produces_events` names events.",
  C5: "`allowed_states` names values of the aggregate's state.",
  C6: "A command's field has the type of the same-named field of each event that the command emits.",
  C7: "A creation command has no allowed states: there is no state yet.",
  C8: "A command sets at most one field of each oneof of the events that it emits, or has a oneof for them too.",
  E1: "An event has `string id = 1`, `int64 version = 2`, `int64 at = 3` and `string actor = 4`.",
  E2: "`sets_state` names a value of the aggregate's state.",
  E3: "`collection` names a `map<string, message>` of the aggregate, an action, and the string field of the element that is its key; it adds or, not at creation, removes.",
  E4: "A collection event has one field of its own: the element to add, or the key to remove.",
  E5: "A message that the aggregate holds has the same field name in an event: fields are copied by name.",
  E6: "An event's field has the type of the aggregate's field of the same name.",
  E7: "An event sets at most one field of each oneof of the aggregate, or has a oneof for them too.",
  S1: "A snapshot has `string id = 1`, `int64 version = 2`, `int64 at = 3` and `string actor = 4`.",
  S2: "A snapshot has a field `snapshot` of the aggregate's type.",
  P1: "A projection's field has the name and the type of a field of the aggregate.",
  P2: "A projection has at most one field in each of its oneofs, unless the aggregate has a oneof for them too.",
  L1: "An aggregate `X` comes with a message `XList` whose only field is `repeated X items = 1`.",
  O1: "An aggregate or a projection has no field with PK or SK: its primary key comes from its id.",
  O2: "Any other message with keys has a PK.",
  O3: "The order in a key isn't negative.",
  O4: "Each field of a composite key has an order of 1 or more.",
  O5: "No two fields of a key have the same order.",
  O6: "An index with a sort key has a partition key.",
  O7: "No message is named like a key function of the family's Go members.",
  O8: "A key is made of values that have a text: no messages and no maps; in an aggregate or projection strings, numbers, bools and enums only.",
  O9: "A key annotation names its key, and a field is in each key once.",
  N1: "No two messages or enums give one name to the generated code.",
  N2: "No command and no event has the name of a property that every JavaScript object has.",
  N3: "No top-level message or enum is named like a word that TypeScript can't take as the name of a type.",
} as const;

/** What each warning points at. A warning doesn't stop the generation. */
export const WARNINGS = {
  W1: "An index has a partition key and no sort key: its rows come in no defined order.",
  W2: "A file has an aggregate but isn't enabled, so that nothing is generated for it.",
  W3: "Each event of a creation command is also emitted by a command that doesn't create, so that none says who created the aggregate, and when.",
} as const;

export type RuleId = keyof typeof RULES | keyof typeof WARNINGS;
