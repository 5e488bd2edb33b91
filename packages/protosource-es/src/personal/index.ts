/** Personal fields: sealed where they are stored, and gone once a person is forgotten. */
export { isErased } from "./envelopes.js";
export type { CurrentKeyOptions, DataKey, EraseOptions, KeyStatus, KeyStore } from "./key-store.js";
export { type KeyEntry, type KeyTable, type KeyTableOptions, type KeyWrapping, tableKeyStore } from "./key-table.js";
export {
  createKeyring,
  type Keyring,
  type KeyringOptions,
  type Open,
  type Sealer,
  type TypedMessage,
} from "./keyring.js";
export { type KmsCommands, kmsWrapping } from "./kms-wrapping.js";
export { mayBePersonal } from "./personal-plan.js";
export { type SealedFields, sealedFields } from "./sealed-fields.js";
