/** Writes to a file until it is killed, and prints the number of each save that has returned. */
import { writeSync } from "node:fs";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { drivers } from "./drivers.js";
import { recordsOf, rowOf, STREAMS, stepsOf } from "./plan.js";

const [, , driverName, path = "", seed, done] = process.argv;
const driver = drivers.find(({ name }) => name === driverName)?.driver;

writeSync(1, "started\n");
const store = new SqliteStore(openSqlite(path, { driver }));
const ends: [number, number] = [0, 0];
let number = 0;
for (const { counts, size } of stepsOf(Number(seed))) {
  const [one, two] = [recordsOf(ends[0], counts[0], size), recordsOf(ends[1], counts[1], size)];
  ends[0] += counts[0];
  ends[1] += counts[1];
  number++;
  if (number <= Number(done)) continue;
  if (two.length === 0) {
    await store.save(STREAMS[0], one);
  } else {
    const writes = [one, two].map((records, i) => ({ aggregateId: STREAMS[i] ?? "", records }));
    await store.saveAll(writes, { rows: [{ row: rowOf(ends[1]) }] });
  }
  writeSync(1, `${number}\n`);
}
