/** Where a descriptor is in the source. */
import type { AnyDesc, DescFile } from "@bufbuild/protobuf";
import {
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
  type SourceCodeInfo_Location,
} from "@bufbuild/protobuf/wkt";

/** A place in a source. */
export interface SourceSite {
  /** The file, as others import it: with its `.proto`. */
  readonly file: string;
  /** The part of the file's descriptor, in the numbers of descriptor.proto. */
  readonly path: readonly number[];
  /** They count from 1; undefined where the descriptors came without source information. */
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/**
 * Finds a descriptor in its source, or a part of it: `path` continues the descriptor's own. Its name stands for all of
 * it by default. The compilers don't record every part, so the nearest one around it that they did record counts.
 */
export function sourceSite(desc: AnyDesc, path: readonly number[] = namePath(desc)): SourceSite {
  const { proto } = fileOf(desc);
  const whole = [...sourcePath(desc), ...path];
  const location = nearest(proto.sourceCodeInfo?.location ?? [], whole);
  const [line, column] = location?.span ?? [];
  return {
    file: proto.name,
    path: location?.path ?? whole,
    line: line === undefined ? undefined : line + 1,
    column: column === undefined ? undefined : column + 1,
  };
}

/** The lines of the comment before a descriptor in its source; none where the descriptors came without source information. */
export function sourceComment(desc: AnyDesc): readonly string[] {
  const path = sourcePath(desc);
  const locations = fileOf(desc).proto.sourceCodeInfo?.location ?? [];
  const own = locations.find((one) => one.path.length === path.length && path.every((part, i) => part === one.path[i]));
  const text = own?.leadingComments.trimEnd();
  return text ? text.split("\n").map((line) => line.replace(/^ /, "").trimEnd()) : [];
}

function fileOf(desc: AnyDesc): DescFile {
  if (desc.kind === "file") return desc;
  return "file" in desc ? desc.file : desc.parent.file;
}

/** `name` has the number 1 in the descriptor of everything but a file. */
function namePath(desc: AnyDesc): readonly number[] {
  return desc.kind === "file" ? [] : [FieldDescriptorProtoSchema.field.name.number];
}

function sourcePath(desc: AnyDesc): readonly number[] {
  const { field: inFile } = FileDescriptorProtoSchema;
  const { field: inMessage } = DescriptorProtoSchema;
  const below = (parent: AnyDesc, list: { readonly number: number }, all: readonly unknown[]): readonly number[] => [
    ...sourcePath(parent),
    list.number,
    all.indexOf(desc.proto),
  ];
  switch (desc.kind) {
    case "file":
      return [];
    case "message":
      return desc.parent === undefined
        ? below(desc.file, inFile.messageType, desc.file.proto.messageType)
        : below(desc.parent, inMessage.nestedType, desc.parent.proto.nestedType);
    case "enum":
      return desc.parent === undefined
        ? below(desc.file, inFile.enumType, desc.file.proto.enumType)
        : below(desc.parent, inMessage.enumType, desc.parent.proto.enumType);
    case "extension":
      return desc.parent === undefined
        ? below(desc.file, inFile.extension, desc.file.proto.extension)
        : below(desc.parent, inMessage.extension, desc.parent.proto.extension);
    case "field":
      return below(desc.parent, inMessage.field, desc.parent.proto.field);
    case "oneof":
      return below(desc.parent, inMessage.oneofDecl, desc.parent.proto.oneofDecl);
    case "enum_value":
      return below(desc.parent, EnumDescriptorProtoSchema.field.value, desc.parent.proto.value);
    case "service":
      return below(desc.file, inFile.service, desc.file.proto.service);
    case "rpc":
      return below(desc.parent, ServiceDescriptorProtoSchema.field.method, desc.parent.proto.method);
  }
}

function nearest(
  locations: readonly SourceCodeInfo_Location[],
  path: readonly number[],
): SourceCodeInfo_Location | undefined {
  let found: SourceCodeInfo_Location | undefined;
  for (const location of locations) {
    if (location.path.length <= path.length && location.path.length > (found?.path.length ?? -1)) {
      if (location.path.every((number, i) => number === path[i])) found = location;
    }
  }
  return found;
}
