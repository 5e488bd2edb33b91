/** Appends to a stream that other programs append to, and to one of its own, and ends with 1 at an unexpected error. */
import { once } from "node:events";
import { create } from "@bufbuild/protobuf";
import { isProtosourceError } from "protosource-es";
import { StoredRecordSchema } from "protosource-es/proto";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { drivers } from "./drivers.js";

const [, , driverName, path = "", name = "", times] = process.argv;
const driver = drivers.find((one) => one.name === driverName)?.driver;

console.log("ready");
await once(process.stdin, "data");
process.stdin.destroy();
const store = new SqliteStore(openSqlite(path, { driver }));
let conflicts = 0;
for (let done = 0; done < Number(times); ) {
  const { records } = await store.load("contended_v1#shared");
  const record = create(StoredRecordSchema, {
    version: BigInt(records.length) + 1n,
    data: new TextEncoder().encode(`${name} ${done}`),
  });
  try {
    if (done % 2 === 0) {
      await store.save("contended_v1#shared", [record]);
    } else {
      const own = create(StoredRecordSchema, { version: BigInt((done + 1) / 2), data: record.data });
      await store.saveAll([
        { aggregateId: "contended_v1#shared", records: [record] },
        { aggregateId: `contended_v1#${name}`, records: [own] },
      ]);
    }
    done++;
  } catch (error) {
    if (!isProtosourceError(error, "version_conflict")) throw error;
    conflicts++;
  }
}
console.log(conflicts);
