/** What is known of a domain: from the descriptors that `buf build` makes, and from the domain's own code. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  createMutableRegistry,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Aggregate, AggregateTypes } from "protosource-es";
import type { Keyring } from "protosource-es/personal";
import type { Serializer } from "protosource-es/serializer";
import { usageError } from "./failure.js";
import { parseDescriptors } from "./parse-descriptors.js";
import { eitherSerializer } from "./payload.js";
import { addDescribed, addFile, type KnownAggregate, type Schemas } from "./schemas.js";

/** Where to learn of a domain. */
export interface SchemaSources {
  /** The file that `buf build -o image.binpb` made. */
  readonly descriptors?: string | undefined;
  /** A module that exports what the generated `defineX` functions return, and what else the writers' repositories have. */
  readonly domain?: string | undefined;
}

/** What was read of a domain. */
export interface LoadedSchemas extends Schemas {
  /** The same for the same messages, keys and code. */
  readonly fingerprint: string;
}

/**
 * Reads what is known of a domain: nothing without sources, and an empty one counts for none. Throws `invalid_argument`
 * for sources that aren't.
 */
export async function loadSchemas({ descriptors, domain }: SchemaSources): Promise<LoadedSchemas> {
  const registry = createMutableRegistry();
  const problems: string[] = [];
  const aggregates = new Map<string, KnownAggregate>();
  let module: DomainModule | undefined;
  if (descriptors) {
    for (const known of addDescribed(registry, readDescriptors(descriptors), problems)) {
      aggregates.set(known.definition.schema.typeName, known);
    }
  }
  if (domain) {
    module = await importDomain(domain);
    for (const definition of module.definitions) {
      addFile(registry, definition.schema.file);
      aggregates.set(definition.schema.typeName, { definition, hasRules: true });
    }
  }
  const { serializer = eitherSerializer, compressThreshold, keyring } = module ?? {};
  const known = [...aggregates.values()];
  return {
    registry,
    aggregates: known,
    serializer,
    compressThreshold,
    keyring,
    fingerprint: fingerprintOf(known, domain ? readSource("--domain", domain) : undefined),
    problems,
  };
}

/** Sums up the messages and the code of a domain: of the code what the module holds, and the rules that make rows. */
function fingerprintOf(aggregates: readonly KnownAggregate[], module: Uint8Array | undefined): string {
  const hash = createHash("sha256");
  const add = (part: Uint8Array | string): void => {
    hash.update(`${part.length}:`).update(part);
  };
  const seen = new Set<DescFile>();
  const addDescriptors = (file: DescFile): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const dependency of file.dependencies) addDescriptors(dependency);
    add(toBinary(FileDescriptorProtoSchema, file.proto));
  };
  for (const { definition } of aggregates) {
    addDescriptors(definition.schema.file);
    const { afterOn, unique = {} } = definition.rules;
    add([afterOn, ...Object.values(unique)].map(String).join());
  }
  if (module) add(module);
  return hash.digest("hex").slice(0, FINGERPRINT_LENGTH);
}

/** As many digits as people compare, and too many for a chance. */
const FINGERPRINT_LENGTH = 16;

/** Reads the descriptors in a file. Throws `invalid_argument`. */
export function readDescriptors(path: string): FileRegistry {
  return parseDescriptors(path, readSource("--descriptors", path));
}

function readSource(option: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code;
    const what = option === "--domain" ? "module" : "descriptors";
    throw usageError(option, `the ${what} ${path} can't be read (${reason}): give an existing file`, cause);
  }
}

/** What a domain's module exports. */
interface DomainModule {
  readonly definitions: readonly Aggregate<AggregateTypes>[];
  readonly serializer: Serializer | undefined;
  readonly compressThreshold: number | undefined;
  readonly keyring: Keyring | undefined;
}

/** Imports the domain's code. Throws `invalid_argument`. */
export async function importModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw usageError(
      "--domain",
      `the module ${path} can't be imported (${reason}): give a built JavaScript file`,
      cause,
    );
  }
}

async function importDomain(path: string): Promise<DomainModule> {
  const module = await importModule(path);
  const definitions = Object.values(module).filter(isAggregate);
  if (definitions.length === 0) {
    throw usageError("--domain", `${path} exports no aggregate: export what the generated defineX function returns`);
  }
  const { serializer, compressThreshold, keyring } = module;
  if (serializer !== undefined && !isSerializer(serializer)) {
    throw usageError("--domain", `the serializer of ${path} lacks serialize or deserialize: export the repository's`);
  }
  if (compressThreshold !== undefined && !(Number.isSafeInteger(compressThreshold) && Number(compressThreshold) >= 0)) {
    throw usageError("--domain", `the compressThreshold of ${path} is no whole number from 0: export the repository's`);
  }
  if (keyring !== undefined && !isKeyring(keyring)) {
    throw usageError("--domain", `the keyring of ${path} is none: export what createKeyring gives, the repository's`);
  }
  return { definitions, serializer, compressThreshold: compressThreshold as number | undefined, keyring };
}

function isKeyring(value: unknown): value is Keyring {
  const { sealer, opener } = (value ?? {}) as Partial<Record<keyof Keyring, unknown>>;
  return typeof sealer === "function" && typeof opener === "function";
}

function isSerializer(value: unknown): value is Serializer {
  const { serialize, deserialize } = (value ?? {}) as Partial<Record<keyof Serializer, unknown>>;
  return typeof serialize === "function" && typeof deserialize === "function";
}

function isAggregate(value: unknown): value is Aggregate<AggregateTypes> {
  if (typeof value !== "object" || value === null || !("schema" in value && "rules" in value && "model" in value)) {
    return false;
  }
  return (value.schema as Partial<DescMessage> | null)?.kind === "message";
}
