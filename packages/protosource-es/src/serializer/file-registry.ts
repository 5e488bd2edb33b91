import { createRegistry, type DescFile, type Registry } from "@bufbuild/protobuf";

const registries = new WeakMap<DescFile, Registry>();

/** Knows every type of a file and of all that it imports, through however many others. */
export function fileRegistry(file: DescFile): Registry {
  let registry = registries.get(file);
  if (registry === undefined) {
    registry = createRegistry(...filesBehind(file));
    registries.set(file, registry);
  }
  return registry;
}

function filesBehind(file: DescFile, seen: Set<DescFile> = new Set()): Set<DescFile> {
  if (!seen.has(file)) {
    seen.add(file);
    for (const dependency of file.dependencies) filesBehind(dependency, seen);
  }
  return seen;
}
