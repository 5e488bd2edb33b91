/** Compiles the schemas of a test with buf, and runs the plugin on them in this process. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { plugin } from "protoc-gen-protosource-es";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a tool of the repository. Throws what it printed when it fails. */
export function run(tool: string, ...args: string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(`${root}node_modules/.bin/${tool}`, args, {
    cwd: root,
    maxBuffer: 100_000_000,
  });
  if (status !== 0) throw new Error(`${tool} failed\n${stdout}${stderr}`, { cause: error });
  return stdout;
}

/** Compiles the schemas below a folder of `test/proto`. */
export function compile(folder: string): FileDescriptorSet {
  const modules = [{ path: "proto" }, { path: `packages/protoc-gen-protosource-es/test/proto/${folder}` }];
  const config = JSON.stringify({ version: "v2", modules });
  return fromBinary(FileDescriptorSetSchema, run("buf", "build", "--config", config, "--output", "-"));
}

/** Runs a plugin for some of the compiled files, and gives it what they import, as compilers do. */
export function generate(
  set: FileDescriptorSet,
  fileToGenerate: string[],
  parameter = "target=ts,import_extension=js,elide_plugin_version=true",
  { run }: Pick<typeof plugin, "run"> = plugin,
): CodeGeneratorResponse {
  const needed = new Set<string>();
  const need = (name: string): void => {
    needed.add(name);
    for (const imported of set.file.find((file) => file.name === name)?.dependency ?? []) need(imported);
  };
  for (const name of fileToGenerate) need(name);
  const protoFile = set.file.filter((file) => needed.has(file.name));
  return run(create(CodeGeneratorRequestSchema, { fileToGenerate, parameter, protoFile }));
}
