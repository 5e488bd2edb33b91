/** The generator of services: beside each domain file a .proto with a service, from which clients are made. */
import { create, createFileRegistry, type DescFile } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  type CodeGeneratorResponse,
  CodeGeneratorResponse_Feature,
  CodeGeneratorResponseSchema,
  Edition,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import type { Plugin } from "@bufbuild/protoplugin";
import { type Diagnostic, diagnostic, formatDiagnostic } from "../diagnostic.js";
import { readDomain } from "../model.js";
import { packageVersion } from "../package-version.js";
import { validate } from "../validate.js";
import { checkService } from "./check-service.js";
import { emitService } from "./emit-service.js";
import { serviceOf } from "./service-model.js";

/**
 * Generates `order_service.proto` beside each enabled `order.proto`. When a schema is wrong, or can't have a service, the
 * response has no files, and its error lists all that is wrong. Warnings are for `protoc-gen-protosource-es` to give.
 */
export const servicePlugin: Plugin = {
  name: "protoc-gen-protosource-service",
  version: packageVersion,
  run(request: CodeGeneratorRequest): CodeGeneratorResponse {
    const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: request.protoFile }));
    const known = request.protoFile.map(({ name }) => readDomain(registry.getFile(name) as DescFile));
    const asked = known.filter(({ file }) => request.fileToGenerate.includes(file.proto.name));
    const findings: Diagnostic[] = [...validate(asked, known, { sharedWithGo: false }).errors];
    const services = asked.filter(({ enabled }) => enabled).map(serviceOf);
    for (const service of services) {
      checkService(service, (rule, place, problem, remedy) => {
        findings.push(diagnostic(rule, place, remedy === undefined ? problem : `${problem}; ${remedy}`));
      });
    }
    const isWrong = findings.length > 0;
    return create(CodeGeneratorResponseSchema, {
      supportedFeatures: BigInt(
        CodeGeneratorResponse_Feature.PROTO3_OPTIONAL | CodeGeneratorResponse_Feature.SUPPORTS_EDITIONS,
      ),
      minimumEdition: Edition.EDITION_PROTO2,
      maximumEdition: Edition.EDITION_2023,
      ...(isWrong
        ? { error: ["no service is generated:", ...findings.map(formatDiagnostic)].join("\n") }
        : { file: services.map(emitService) }),
    });
  },
};
