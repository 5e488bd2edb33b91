/** What answers in the page itself, without a server: the API over stores in memory. It is loaded when that is wanted. */
export { kindOfFile, readDescriptorsFile, readExportFile, schemasOf, studioApi } from "protosource-cli/studio";
export { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";
