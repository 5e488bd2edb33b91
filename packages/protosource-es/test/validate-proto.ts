/**
 * Writes buf/validate/validate.proto from the descriptor that @bufbuild/protovalidate holds, so that a schema with
 * rules compiles without a network. Of the options it leaves out all: what a compiler needs are names and numbers.
 * The rules that protovalidate checks are in the code that it comes with.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type DescEnum, type DescExtension, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { file_buf_validate_validate as file } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";

/** Above the highest number that a field can have. */
const MAX_FIELD_NUMBER = 536_870_911;

/** The text of buf/validate/validate.proto, as buf formats it. */
export function validateProto(): string {
  const directory = mkdtempSync(join(tmpdir(), "validate-"));
  try {
    const path = join(directory, "validate.proto");
    writeFileSync(path, text());
    const buf = fileURLToPath(new URL("../../../node_modules/.bin/buf", import.meta.url));
    return execFileSync(buf, ["format", path], { cwd: directory, encoding: "utf8" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function text(): string {
  const lines = [
    ...notice(),
    `syntax = "${file.proto.syntax || "proto2"}";`,
    `package ${file.proto.package};`,
    ...file.dependencies.map(({ proto }) => `import "${proto.name}";`),
    ...file.enums.flatMap(enumLines),
    ...file.messages.flatMap(messageLines),
    ...file.extensions.flatMap(extensionLines),
  ];
  return `${lines.join("\n")}\n`;
}

/** What the license asks of a copy. */
function notice(): string[] {
  const code = createRequire(import.meta.url).resolve("@bufbuild/protovalidate");
  const manifest = new URL("../../package.json", pathToFileURL(code));
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string };
  return [
    "// Copyright 2023-2026 Buf Technologies, Inc.",
    "//",
    "// Licensed under the Apache License, Version 2.0: see the file LICENSE of the folder that this module begins at.",
    "//",
    `// Changed: made from the descriptor in @bufbuild/protovalidate ${version}, without its comments and its options.`,
  ];
}

function messageLines(message: DescMessage): string[] {
  const body = [
    ...message.nestedEnums.flatMap(enumLines),
    ...message.nestedMessages.flatMap(messageLines),
    ...message.members.flatMap((member) =>
      member.kind === "oneof"
        ? [`oneof ${member.name} {`, ...member.fields.map((field) => fieldLine(field, "")), "}"]
        : fieldLine(member, labelOf(member)),
    ),
    ...message.proto.extensionRange.map(({ start, end }) => `extensions ${range(start, end)};`),
    ...message.proto.reservedRange.map(({ start, end }) => `reserved ${range(start, end)};`),
    ...message.nestedExtensions.flatMap(extensionLines),
  ];
  return [`message ${message.name} {`, ...body, "}"];
}

function enumLines({ name, values }: DescEnum): string[] {
  return [`enum ${name} {`, ...values.map((value) => `${value.name} = ${value.number};`), "}"];
}

function extensionLines(extension: DescExtension): string[] {
  return [`extend .${extension.extendee.typeName} {`, fieldLine(extension, labelOf(extension)), "}"];
}

function labelOf(field: DescField | DescExtension): string {
  if (field.fieldKind === "map") return "";
  return field.fieldKind === "list" ? "repeated " : "optional ";
}

function fieldLine(field: DescField | DescExtension, label: string): string {
  const type = field.message?.typeName ?? field.enum?.typeName;
  const element = type === undefined ? scalarName(field.scalar as ScalarType) : `.${type}`;
  const full = field.fieldKind === "map" ? `map<${scalarName(field.mapKey)}, ${element}>` : element;
  return `${label}${full} ${field.name} = ${field.number};`;
}

function scalarName(scalar: ScalarType): string {
  return ScalarType[scalar].toLowerCase();
}

/** The descriptor's end is exclusive. */
function range(start: number, end: number): string {
  return `${start} to ${end > MAX_FIELD_NUMBER ? "max" : end - 1}`;
}
