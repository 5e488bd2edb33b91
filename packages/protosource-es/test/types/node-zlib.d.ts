/** All that the pure part of the package may use of Node. `tsconfig.pure.json` puts it in the place of `node:zlib`. */
export function gzipSync(data: Uint8Array, options: { readonly chunkSize: number }): Uint8Array;
export function gunzipSync(
  data: Uint8Array,
  options: { readonly maxOutputLength: number; readonly chunkSize: number },
): Uint8Array;
