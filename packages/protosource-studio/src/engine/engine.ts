/** What answers in the page itself, without a server: the API over stores in memory. It is loaded when that is wanted. */
import { type StudioOptions, studioApi as studioApiOf } from "protosource-cli/studio";

export { kindOfFile, readDescriptorsFile, readExportFile, schemasOf } from "protosource-cli/studio";
export { MemoryOpaqueStore, MemoryStore } from "protosource-es/memory";

/** Makes the API, which checks no rules of fields here. */
export function studioApi(options: StudioOptions): (request: Request) => Promise<Response> {
  return studioApiOf({ ...options, checksFields: false });
}
