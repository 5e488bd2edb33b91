/** How the run time reads the annotations of a schema; the code generator goes by the same. */

export { typeOf } from "./aggregate/fields.js";
export {
  type AggregateModel,
  type CollectionModel,
  type CommandModel,
  type EventModel,
  type FileModel,
  fieldNamed,
  fileModel,
  isDeletable,
  type ProjectionModel,
  type RetiredModel,
  type SnapshotModel,
  unsetKeeps,
} from "./aggregate/file-model.js";
export { type StateMachine, stateMachine, type Transition } from "./aggregate/state-machine.js";
export { indexAttributes, KEY_ATTRIBUTES, type KeyAttribute } from "./opaquedata/key-attribute.js";
export { keyParts } from "./opaquedata/key-fields.js";
export { type KeyModel, type KeyPart, type KeyProblem, type KeyTemplate, keyModel } from "./opaquedata/key-model.js";
export { MAX_TTL_SECONDS } from "./opaquedata/opaque-data.js";
export { type GsiNumber, NUM_GSIS } from "./opaquedata/opaque-store.js";
export { requestFieldName } from "./opaquedata/request-field-name.js";
export { sortOptionName } from "./opaquedata/sort-plan.js";
export { hasPersonal, subjectField, subjectName } from "./personal/personal-plan.js";
export { compareSchemas } from "./schema-changes/compare-schemas.js";
export {
  type ChangeSeverity,
  SCHEMA_CHANGES,
  type SchemaChange,
  type SchemaChangeId,
} from "./schema-changes/schema-change.js";
export { type SourceSite, sourceComment, sourceSite } from "./schema-changes/source-site.js";
