/** Rows of read models have personal fields too: sealed where they are stored, found by what stands for them, and forgotten. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serialize } from "node:v8";
import { Repository } from "protosource-es";
import { MemoryOpaqueStore, MemoryStore, memoryKeyStore } from "protosource-es/memory";
import { createKeyring, isErased, sealedFields } from "protosource-es/personal";
import { openSqlite, SqliteOpaqueStore, SqliteStore } from "protosource-es/sqlite";
import { defineReadModel, modelRows, on, type ReadModel, Subscriptions } from "protosource-es/subscriptions";
import { afterAll, describe, expect, test } from "vitest";
import { type Card, CardSchema } from "../../gen/example/app/people/v1/people_v1_pb.js";
import { CardQueries, definePerson, personCommands } from "../../gen/example/app/people/v1/people_v1_protosource.js";

const EMAIL = "ann.lee@example.org";
const secret = new TextEncoder().encode("a secret of the tests, long enough");
const person = definePerson();
const folder = mkdtempSync(join(tmpdir(), "protosource-"));
afterAll(() => rmSync(folder, { recursive: true }));

function cards(rowPerAggregate: boolean): ReadModel<Card> {
  return defineReadModel(CardSchema, {
    name: "cards",
    version: 1,
    rowPerAggregate,
    from: [
      on(person, {
        Registered: ({ email, name, plan }, { id, row }) =>
          row(id, (card) => Object.assign(card, { email, name, plan })),
        PlanChanged: ({ plan }, { id, row }) => row(id, (card) => Object.assign(card, { plan })),
        Sent: ({ parcel }, { id, row }) => {
          if (parcel !== undefined) row(id, (card) => void card.parcels.push(parcel));
        },
      }),
    ],
  });
}

function open(kind: "memory" | "SQLite", rowPerAggregate: boolean) {
  const kept = { streams: new Map(), claims: new Map(), rows: new Map() };
  const name = `${kind}-${rowPerAggregate}.db`;
  const database = openSqlite(kind === "memory" ? ":memory:" : join(folder, name));
  const opaqueStore = kind === "memory" ? new MemoryOpaqueStore(kept) : new SqliteOpaqueStore(database);
  const store =
    kind === "memory" ? new MemoryStore({ ...kept, opaqueStore }) : new SqliteStore(database, { opaqueStore });
  const keyring = createKeyring(memoryKeyStore(), { secret });
  const people = new Repository(person, store, { keyring, compressThreshold: 0 });
  const follow = () => new Subscriptions({ store, keyring, all: [cards(rowPerAggregate)] }).catchUp();
  const rows = new CardQueries(modelRows(opaqueStore, "cards@1"), keyring);
  /** All that is stored, as text of one byte a character. */
  const dump = (): string => {
    if (kind === "memory") return serialize(kept).toString("latin1");
    const files = readdirSync(folder).filter((file) => file.startsWith(name) && !file.endsWith("-shm"));
    return files.map((file) => readFileSync(join(folder, file)).toString("latin1")).join("\n");
  };
  return { people, keyring, follow, rows, dump };
}

describe.each(["memory", "SQLite"] as const)("on %s", (kind) => {
  test.each([false, true])("with rowPerAggregate: %s", async (rowPerAggregate) => {
    const { people, keyring, follow, rows, dump } = open(kind, rowPerAggregate);
    for (const id of ["p-1", "p-2"]) {
      const name = `Name of ${id}`;
      await people.apply(personCommands.Register({ email: EMAIL, name, plan: "gold" }), { id, actor: "clerk" });
    }
    const parcel = { parcelId: "b-1", recipientId: "p-2", address: { lines: ["Elm Road 1"] } };
    await people.apply(personCommands.Send({ parcel }), { id: "p-1", actor: "clerk" });
    await follow();
    const { items } = await rows.selectByEmail(EMAIL);
    expect(items.map(({ name }) => name).toSorted()).toEqual(["Name of p-1", "Name of p-2"]);
    expect(await rows.get("p-1")).toMatchObject({ parcels: [parcel] });
    const before = dump();
    expect(before).toContain("gold");
    expect(before).not.toMatch(/ann\.lee|Name of|Elm Road/);

    await keyring.forget("p-1");
    expect(dump()).toBe(before);
    const row = (await rows.get("p-1")) as Card;
    expect(row).toMatchObject({ email: "", name: "", plan: "gold", parcels: [parcel] });
    expect(isErased(row)).toBe(true);
    expect((await rows.selectByEmail(EMAIL)).items).toMatchObject([{ name: "Name of p-2" }]);

    // A later event finds the row as it is, and leaves it so.
    await people.apply(personCommands.ChangePlan({ plan: "basic" }), { id: "p-1", actor: "clerk" });
    await follow();
    const later = (await rows.get("p-1")) as Card;
    expect(later).toMatchObject({ email: "", name: "", plan: "basic", parcels: [parcel] });
    expect(isErased(later)).toBe(true);
    expect(sealedFields(CardSchema, later)).toEqual({ sealed: [], erased: true });
    await keyring.forget("p-2");
    const [parcelOfNobody] = (await rows.get("p-1"))?.parcels ?? [];
    expect(parcelOfNobody).toMatchObject({ parcelId: "b-1", recipientId: "p-2" });
    expect(parcelOfNobody?.address).toBeUndefined();
  });
});
