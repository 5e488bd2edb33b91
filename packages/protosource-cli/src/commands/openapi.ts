/** `openapi`: the document of the services of a domain. */
import type { Command } from "commander";
import { type Action, type JsonOption, type Register, withExample, withJson } from "../command.js";
import { EXIT } from "../exit-codes.js";
import { usageError } from "../failure.js";
import { readDescriptors } from "../load-schemas.js";
import { openApi, servicesIn } from "../openapi/open-api.js";

export interface OpenApiCommandOptions extends JsonOption {
  readonly service?: readonly string[];
  readonly title?: string;
  readonly apiVersion: string;
  readonly server?: readonly string[];
  readonly get?: boolean;
}

/** Adds the command. */
export function addOpenApi(program: Command, register: Register): void {
  const command = program
    .command("openapi")
    .description("prints OpenAPI 3.1 of the services that protoc-gen-protosource-service generates")
    .argument("<image>", "the domain's descriptors, made by buf build -o image.binpb")
    .option("--service <names...>", "only of these services, such as OrderService; of all by default")
    .option("--title <text>", "what the document is called; by default as its services are")
    .option("--api-version <text>", "the version of the document", "1.0.0")
    .option("--server <urls...>", "where the handler answers")
    .option("--get", "reads by GET, too, which can be cached");
  withExample(
    withJson(command),
    "protosource openapi image.binpb > openapi.json",
    "protosource openapi image.binpb --service OrderService --server https://shop.example/api --get",
  );
  register(command, printOpenApi);
}

const printOpenApi: Action<OpenApiCommandOptions> = async ({ output }, options, image = "") => {
  const files = readDescriptors(image);
  const known = servicesIn(files);
  const { service: wanted, title, apiVersion: version, server: servers = [], get = false } = options;
  const services = known.filter(
    ({ name, typeName }) => wanted === undefined || wanted.includes(name) || wanted.includes(typeName),
  );
  const missing = wanted?.find((one) => !known.some(({ name, typeName }) => one === name || one === typeName));
  if (services.length === 0 || missing !== undefined) {
    const names = known.map(({ typeName }) => typeName).join(", ");
    throw usageError(
      "--service",
      names === ""
        ? "there is no service in the descriptors: generate it by protoc-gen-protosource-service first"
        : `there is no service ${missing}: there are ${names}`,
    );
  }
  const document = openApi(files, services, {
    title: title ?? services.map(({ name }) => name).join(", "),
    version,
    servers,
    get,
  });
  if (output.json) await output.value(document);
  else await output.line(JSON.stringify(document, undefined, 2));
  return EXIT.ok;
};
