/** What is known of a domain. */
import {
  createMutableRegistry,
  type DescFile,
  type DescMessage,
  type FileRegistry,
  type MutableRegistry,
  type Registry,
} from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import { type Aggregate, type AggregateTypes, type AnyAggregate, defineAggregate } from "protosource-es";
import { fileModel } from "protosource-es/model";
import type { Keyring } from "protosource-es/personal";
import type { Serializer } from "protosource-es/serializer";
import { eitherSerializer } from "./payload.js";

/** An aggregate, from descriptors or from its code. */
export interface KnownAggregate {
  readonly definition: Aggregate<AggregateTypes>;
  /** Whether its hand-written rules are known too, so that derived fields can be computed. */
  readonly hasRules: boolean;
}

export interface Schemas {
  /** Every type that is known. */
  readonly registry: Registry;
  readonly aggregates: readonly KnownAggregate[];
  /** What the events are read with: the domain's own, or whichever of the two of protosource-es wrote an event. */
  readonly serializer: Serializer;
  /** Rows of this many bytes and more are gzipped, where the domain says so. */
  readonly compressThreshold: number | undefined;
  /** What personal fields are opened and sealed with, where the domain says so. */
  readonly keyring: Keyring | undefined;
  /** What is there and couldn't be used, in sentences. */
  readonly problems: readonly string[];
}

/** What is to be known beside the aggregates. */
export type SchemaExtras = Partial<Pick<Schemas, "serializer" | "keyring" | "problems">>;

/** Knows aggregates by their code, and reads what either serializer wrote unless it is told another. */
export function schemasOf(
  definitions: readonly AnyAggregate[],
  { serializer = eitherSerializer, keyring, problems = [] }: SchemaExtras = {},
): Schemas {
  const registry = createMutableRegistry();
  for (const { schema } of definitions) addFile(registry, schema.file);
  const aggregates = definitions.map((definition) => {
    return { definition: definition as Aggregate<AggregateTypes>, hasRules: true };
  });
  return { registry, aggregates, serializer, keyring, problems, compressThreshold: undefined };
}

/** The beginning of the keys of an aggregate's streams: its package, with underscores for dots. */
export function streamPrefix({ schema }: Aggregate<AggregateTypes>): string {
  return `${schema.file.proto.package.replaceAll(".", "_")}#`;
}

/** Knows aggregates by their descriptors alone. */
export function describedSchemas(files: FileRegistry): Schemas {
  const registry = createMutableRegistry();
  const problems: string[] = [];
  const aggregates = addDescribed(registry, files, problems);
  return {
    ...{ registry, aggregates, problems },
    ...{ serializer: eitherSerializer, keyring: undefined, compressThreshold: undefined },
  };
}

/** Adds all that descriptors declare, and gives their aggregates. */
export function addDescribed(registry: MutableRegistry, { files }: FileRegistry, problems: string[]): KnownAggregate[] {
  return Array.from(files).flatMap((file) => {
    addFile(registry, file);
    return definitionsIn(file, problems).map((definition) => ({ definition, hasRules: false }));
  });
}

/** Finds the aggregate of a stream. */
export function aggregateOf({ aggregates }: Schemas, streamId: string): KnownAggregate | undefined {
  return aggregates.find(({ definition }) => streamId.startsWith(streamPrefix(definition)));
}

/** Adds all that a file declares, and what it depends on. */
export function addFile(registry: MutableRegistry, file: DescFile): void {
  for (const dependency of file.dependencies) addFile(registry, dependency);
  const add = (messages: readonly DescMessage[]): void => {
    for (const message of messages) {
      registry.add(message);
      for (const type of message.nestedEnums) registry.add(type);
      add(message.nestedMessages);
    }
  };
  add(file.messages);
  for (const type of [...file.enums, ...file.extensions]) registry.add(type);
}

/**
 * Defines the aggregates of a file. A set of strangers may hold what looks like our annotations: what can't be an aggregate
 * is a problem, no failure.
 */
function definitionsIn(file: DescFile, problems: string[]): Aggregate<AggregateTypes>[] {
  try {
    const { aggregates, retired } = fileModel(file);
    const upcast = Object.fromEntries(retired.map(({ schema }) => [schema.name, unknownUpcast]));
    return aggregates.map(({ schema }) =>
      defineAggregate<AggregateTypes>(schema as unknown as GenMessage<AggregateTypes["aggregate"]>, { upcast }),
    );
  } catch (error) {
    problems.push(`${file.name}.proto: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

/** Stands for what a retired event means now, which descriptors don't tell. */
function unknownUpcast(): never {
  throw new Error("the domain's code says what it means now, so add --domain");
}
