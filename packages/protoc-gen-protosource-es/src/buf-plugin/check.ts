/** Checks schemas by the rules that buf asks for. */
import { create, createFileRegistry, type DescFile } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { compareSchemas, type SourceSite } from "protosource-es/model";
import {
  type Annotation,
  AnnotationSchema,
  type CheckRequest,
  type File,
  type Location,
  LocationSchema,
} from "../gen/buf_plugin_pb.js";
import { readDomain } from "../model.js";
import { validate } from "../validate.js";
import { bufRuleId } from "./rules.js";

/** Checks files by the rules of the request, or by all of them where it names none. */
export function check({ fileDescriptors, againstFileDescriptors, ruleIds }: CheckRequest): readonly Annotation[] {
  const files = readFiles(fileDescriptors);
  const against = readFiles(againstFileDescriptors);
  const found = [...lint(files), ...(against.asked.length > 0 ? compare(against, files) : [])];
  return ruleIds.length === 0 ? found : found.filter(({ ruleId }) => ruleIds.includes(ruleId));
}

interface Files {
  /** Those that are to be checked. */
  readonly asked: readonly DescFile[];
  /** With those that are only imported. */
  readonly known: readonly DescFile[];
}

function readFiles(files: readonly File[]): Files {
  const protos = new Map<string, FileDescriptorProto>();
  for (const { fileDescriptorProto: proto } of files) if (proto) protos.set(proto.name, proto);
  const imported = new Set(
    files.flatMap(({ isImport, fileDescriptorProto: proto }) => (isImport && proto ? proto.name : [])),
  );
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: inOrder(protos) }));
  const known = [...registry.files];
  return { known, asked: known.filter(({ proto }) => !imported.has(proto.name)) };
}

/** Puts each file behind those that it imports: buf sends them in any order. */
function inOrder(protos: ReadonlyMap<string, FileDescriptorProto>): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const add = (proto: FileDescriptorProto | undefined): void => {
    if (proto === undefined || ordered.has(proto)) return;
    for (const name of proto.dependency) add(protos.get(name));
    ordered.add(proto);
  };
  for (const proto of protos.values()) add(proto);
  return [...ordered];
}

function lint({ asked, known }: Files): readonly Annotation[] {
  const { errors, warnings } = validate(asked.map(readDomain), known.map(readDomain), { sharedWithGo: true });
  return [...errors, ...warnings].map(({ rule, site, message }) =>
    create(AnnotationSchema, { ruleId: bufRuleId(rule), message, fileLocation: location(site) }),
  );
}

function compare(was: Files, now: Files): readonly Annotation[] {
  return compareSchemas(was.asked, now.known).map(({ id, problem, remedy, site, was }) =>
    create(AnnotationSchema, {
      ruleId: bufRuleId(id),
      message: `${problem}; ${remedy}`,
      ...(site ? { fileLocation: location(site) } : {}),
      ...(was ? { againstFileLocation: location(was) } : {}),
    }),
  );
}

function location({ file, path }: SourceSite): Location {
  return create(LocationSchema, { fileName: file, sourcePath: [...path] });
}
