/** The dispatch table of a service: what each rpc does, by its annotation and the messages that it takes and gives. */
import { type DescMessage, type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import type { AggregateTypes } from "../aggregate/types.js";
import { invalid, ProtosourceError } from "../errors.js";
import { Call as CallKind, protosource_es_method } from "../gen/protosource_es/options/v1/options_v1_pb.js";
import type { OpaqueStore } from "../opaquedata/opaque-store.js";
import type { Repository } from "../repository/repository.js";
import { applyCommand } from "./apply-command.js";
import type { Call } from "./calls.js";
import { getRow } from "./get-row.js";
import { loadAggregate } from "./load-aggregate.js";
import { readHistoryPage } from "./read-history-page.js";
import { selectRows } from "./select-rows.js";

/** What a service is bound to. */
export interface ServeOptions<T extends AggregateTypes> {
  /** Applies the commands, and loads. A service of rows alone needs none. */
  readonly repository?: Repository<T> | undefined;
  /** Where the rows are: the store that queries are made on. A service without reads of rows needs none. */
  readonly queries?: OpaqueStore | undefined;
}

/** A service that `fetchHandler` takes. */
export interface ServedService {
  readonly service: DescService;
  readonly calls: readonly Call[];
  /** What the commands are applied to; none for a service of rows alone. */
  readonly repository: Repository<AggregateTypes> | undefined;
}

/** What the calls of one service share. */
interface Backing {
  readonly repository: Repository<AggregateTypes> | undefined;
  readonly queries: OpaqueStore | undefined;
}

/**
 * Binds the rpcs of a generated service to a repository and to the rows beside it.
 *
 * Throws `invalid_argument` for an rpc without an annotation, and one that isn't of the repository's aggregate;
 * `not_configured` when an rpc needs what isn't given; `not_keyed` for a row without keys.
 */
export function serve<T extends AggregateTypes>(service: DescService, options: ServeOptions<T>): ServedService {
  const backing: Backing = {
    repository: options.repository as object as Repository<AggregateTypes> | undefined,
    queries: options.queries,
  };
  const calls = service.methods.map((method) => bind(method, backing));
  return { service, calls, repository: backing.repository };
}

function bind(method: DescMethod, backing: Backing): Call {
  const { call, index } = getOption(method, protosource_es_method);
  const name = `${method.parent.file.proto.package}.${method.name}`;
  const paged = call === CallKind.HISTORY || call === CallKind.SELECT;
  const common = { method, name, read: true, paged, index, commandScope: undefined, schema: method.output };
  switch (call) {
    case CallKind.APPLY:
      return { ...common, read: false, kind: "apply", ...applyCommand(method, requireRepository(method, backing)) };
    case CallKind.GET:
      return { ...common, kind: "get", run: getRow(method, requireQueries(method, backing), backing.repository) };
    case CallKind.LOAD:
      return { ...common, kind: "load", run: loadAggregate(requireRepository(method, backing, method.output)) };
    case CallKind.HISTORY: {
      const repository = requireRepository(method, backing);
      return {
        ...common,
        kind: "history",
        schema: repository.aggregate.schema as DescMessage,
        run: readHistoryPage(method, repository),
      };
    }
    case CallKind.SELECT: {
      const { schema, run } = selectRows(method, index, requireQueries(method, backing));
      return { ...common, kind: "select", schema, run };
    }
    default:
      throw invalid(
        "service",
        `${name} has no annotation protosource_es_method: serve what protoc-gen-protosource-service generates`,
      );
  }
}

function requireRepository(
  method: DescMethod,
  { repository }: Backing,
  answered?: DescMessage,
): Repository<AggregateTypes> {
  if (repository === undefined) throw notConfigured(method, "repository");
  const { typeName } = repository.aggregate.schema as DescMessage;
  if (answered !== undefined && answered.typeName !== typeName) {
    throw invalid("repository", `${method.name} answers ${answered.typeName}, and the repository has ${typeName}`);
  }
  return repository;
}

function requireQueries(method: DescMethod, { queries }: Backing): OpaqueStore {
  if (queries === undefined) throw notConfigured(method, "queries");
  return queries;
}

function notConfigured({ name, parent }: DescMethod, option: string): ProtosourceError<"not_configured"> {
  return new ProtosourceError("not_configured", `${name} of ${parent.typeName} needs the option ${option}: give it`, {
    option,
  });
}
