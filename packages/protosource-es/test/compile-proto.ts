/** Compiles .proto files without a network, beside those that the package ships. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** Gives what the texts come to, by their paths. */
export function compileProto(files: Readonly<Record<string, string>>): FileRegistry {
  const directory = mkdtempSync(join(tmpdir(), "proto-"));
  try {
    const root = fileURLToPath(new URL("../../../", import.meta.url));
    for (const module of ["proto", "proto-validate"]) {
      cpSync(join(root, module), join(directory, "proto"), { recursive: true });
    }
    writeFileSync(join(directory, "buf.yaml"), "version: v2\nmodules:\n  - path: proto\n");
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(directory, "proto", path, ".."), { recursive: true });
      writeFileSync(join(directory, "proto", path), text);
    }
    const buf = join(root, "node_modules/.bin/buf");
    const options = { cwd: directory, maxBuffer: 2 ** 24 };
    const bytes = execFileSync(buf, ["build", "--as-file-descriptor-set", "-o", "-#format=binpb"], options);
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
