/** Retired events on the command line: as they are stored, and with the domain's code as what they mean now. */
import { fileURLToPath } from "node:url";
import { Repository } from "protosource-es";
import { openSqlite, SqliteStore } from "protosource-es/sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { memberEvents } from "../../../protosource-es/test/gen/example/app/member/v1/member_v1_protosource.js";
import { memberWith } from "../../../protosource-es/test/member.js";
import { temporaryFolder } from "../engines.js";
import { buildImage } from "../images.js";
import { type Ended, runHere } from "../run-here.js";

const STREAM = "example_app_member_v1#m-1";
const DOMAIN = fileURLToPath(new URL("../../../protosource-es/test/member.ts", import.meta.url));
const folder = temporaryFolder();
const image = folder.path("image.binpb");
const path = folder.path("members.db");

beforeAll(async () => {
  buildImage(image);
  const database = openSqlite(path, { synchronous: "NORMAL" });
  const members = new Repository(memberWith({ retired: [], everyNEvents: 2 }), new SqliteStore(database));
  const past = [
    memberEvents.Registered({ name: "Ann Smith", actor: "ann" }),
    memberEvents.Telephoned({ note: "called back" }),
    memberEvents.Renamed({ name: "Ann Jones" }),
  ];
  await members.save("m-1", past as never);
  database.close();
});
afterAll(() => folder.remove());

const run = (command: string[], ...args: string[]): Promise<Ended> =>
  runHere([...command, "--store", `sqlite:${path}`, ...args]);
const show = (...args: string[]): Promise<Ended> => run(["streams", "show", STREAM], ...args);
const rowsOf = ({ stdout }: Ended): string[] => stdout.trimEnd().split("\n").slice(1);
const valuesOf = ({ stdout }: Ended): unknown[] =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

it("are shown as they are stored, and that they are retired", async () => {
  const rows = rowsOf(await show("--descriptors", image));
  expect(rows[0]).toMatch(/ Registered +ann +\{"name":"Ann Smith"\} \(retired: Joined has the two names apart\)$/);
  expect(rows[1]).toMatch(/ Telephoned +\{"note":"called back"\} \(retired: calls are kept elsewhere\)$/);
  const [first] = valuesOf(await show("--descriptors", image, "--json"));
  expect(first).toMatchObject({ event: { name: "Ann Smith" }, retired: "Joined has the two names apart" });
  expect(first).not.toHaveProperty("readAs");
});

it("are shown with what the domain's code makes of them", async () => {
  const rows = rowsOf(await show("--domain", DOMAIN));
  expect(rows[0]).toMatch(/\{"name":"Ann Smith"\} → Joined \{"givenName":"Ann","familyName":"Smith"\}$/);
  expect(rows[1]).toMatch(/\(retired, ignored\)$/);
  const values = valuesOf(await show("--domain", DOMAIN, "--json"));
  const type = "example.app.member.v1.NameChanged";
  expect(values[3]).toMatchObject({ event: { name: "Ann Jones" }, readAs: { type, event: { familyName: "Jones" } } });
  expect(values[1]).toMatchObject({ readAs: "ignored" });
});

it("make a state with the domain's code, past snapshots of before, and hide it without", async () => {
  const [known] = valuesOf(await show("--domain", DOMAIN, "--at", "4", "--json"));
  expect(known).toMatchObject({ state: { version: "4", familyName: "Jones", greeting: "Ann Jones: 0" } });
  const [early] = valuesOf(await show("--domain", DOMAIN, "--at", "2", "--json"));
  expect(early).toMatchObject({ state: { version: "2", familyName: "Smith" } });
  const hidden = await show("--descriptors", image, "--at", "4", "--json");
  expect(valuesOf(hidden)).toMatchObject([{ state: null }]);
  expect(hidden.code).not.toBe(0);
});

it("are no damage, and a rebuild without the domain's code says what it lacks", async () => {
  expect(await run(["streams", "verify"], "--descriptors", image)).toMatchObject({ code: 0 });
  expect(await run(["streams", "verify"], "--domain", DOMAIN)).toMatchObject({ code: 0 });
  const state = ["--state", folder.path("rebuild.json")];
  const blind = await run(["rebuild"], "--descriptors", image, "--only", "Member", "--without-derived", ...state);
  expect(blind.code).not.toBe(0);
  expect(blind.stderr).toContain("add --domain");
  const rebuilt = await run(["rebuild"], "--domain", DOMAIN, "--only", "Member", ...state);
  expect(rebuilt).toMatchObject({ code: 0 });
});
