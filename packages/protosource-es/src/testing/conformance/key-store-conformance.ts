/** What a `KeyStore` promises. */
import type { KeyStore } from "../../personal/key-store.js";
import { expectEqual, expectError, expectTrue } from "./assertions.js";

/** What a case of key stores works with. */
export interface KeyStoreContext {
  /** Gives the name of a person that no other case has, nor any other run on the same table. */
  subject(name: string): string;
  /** Opens a client of the keys that all cases share. */
  open(): KeyStore | Promise<KeyStore>;
}

/** One promise of the contract, and how to see whether a key store keeps it. */
export interface KeyStoreCase {
  /** Says what is promised. No two cases have the same name. */
  readonly name: string;
  /** Throws when the key store doesn't keep the promise. */
  run(context: KeyStoreContext): Promise<void>;
}

/** Every promise of the contract of a key store, each as a case. */
export const keyStoreConformance: readonly KeyStoreCase[] = [
  {
    name: "keys: a person has one key of 32 bytes, whoever asks, and others have others",
    async run({ subject, open }) {
      const [one, two] = [await open(), await open()];
      const key = await one.current(subject("ann"));
      expectEqual(key.bytes.length, 32, "bytes of the key");
      expectEqual(hex(await two.current(subject("ann"))), hex(key), "the key that another client gets");
      expectTrue(hex(await one.current(subject("ben"))) !== hex(key), "another person has another key");
      const found = await two.find([key.id]);
      expectEqual(hex(found.get(key.id)), hex(key), "the key by its id");
    },
  },
  {
    name: "keys: of several who make a key at once one wins, and all have that one",
    async run({ subject, open }) {
      const stores = await Promise.all(Array.from({ length: 8 }, open));
      const keys = await Promise.all(stores.map((store) => store.current(subject("raced"))));
      expectEqual(new Set(keys.map(hex)).size, 1, "different keys");
    },
  },
  {
    name: "keys: the name of a key says nothing of the person",
    async run({ subject, open }) {
      const name = subject("ann.lee@example.org");
      const { id } = await (await open()).current(name);
      expectTrue(!id.includes("ann") && !id.includes(name), "the id doesn't name the person");
    },
  },
  {
    name: "keys: an erased key stays erased, and an unknown one is never taken for erased",
    async run({ subject, open }) {
      const store = await open();
      const key = await store.current(subject("gone"));
      const other = await store.current(subject("stays"));
      expectEqual((await store.erase(subject("gone"), { reason: "request 7" })).hasKey, false, "a key is left");
      const found = await (await open()).find([key.id, other.id, `${key.id}0`, "nobody.knows"]);
      expectEqual(found.get(key.id), "erased", "the erased key");
      expectEqual(hex(found.get(other.id)), hex(other), "the other key");
      expectEqual(found.size, 2, "keys that are known");
      const status = await store.status(subject("gone"));
      expectEqual(status?.erasedKeys, 1, "erased keys");
      expectEqual(status?.reason, "request 7", "the reason");
      expectTrue((status?.erasedAt ?? 0n) > 0n, "it is known when the key was erased");
    },
  },
  {
    name: "keys: who was forgotten gets no key again unless a new one is asked for, and the old one stays erased",
    async run({ subject, open }) {
      const store = await open();
      const name = subject("returns");
      const first = await store.current(name);
      await store.erase(name);
      await expectError("subject_erased", store.current(name), { subject: name });
      const second = await store.current(name, { renew: true });
      expectTrue(second.id !== first.id && hex(second) !== hex(first), "the new key is another");
      expectEqual(hex(await store.current(name)), hex(second), "the key from then on");
      expectEqual((await store.find([first.id, second.id])).get(first.id), "erased", "the first key");
      await store.erase(name);
      expectEqual((await store.status(name))?.erasedKeys, 2, "erased keys");
      const found = await store.find([first.id, second.id]);
      expectEqual([...found.values()].join(), "erased,erased", "both keys");
    },
  },
  {
    name: "keys: who never had a key can be forgotten, and a second time changes nothing",
    async run({ subject, open }) {
      const store = await open();
      const name = subject("nobody");
      expectEqual(await store.status(name), undefined, "what is known before");
      const status = await store.erase(name, { reason: "first" });
      expectEqual(status.erasedKeys, 0, "erased keys");
      expectEqual((await store.erase(name, { reason: "second" })).reason, "first", "the reason");
      await expectError("subject_erased", store.current(name));
    },
  },
  {
    name: "keys: an empty name is invalid_argument, and an aborted call is cancelled",
    async run({ subject, open }) {
      const store = await open();
      for (const call of [store.current(""), store.erase(""), store.status("")]) {
        await expectError("invalid_argument", call);
      }
      const signal = AbortSignal.abort();
      await expectError("cancelled", store.current(subject("late"), { signal }));
      await expectError("cancelled", store.erase(subject("late"), { signal }));
      expectEqual(await store.status(subject("late")), undefined, "what is known of it");
    },
  },
];

function hex(key: { readonly bytes: Uint8Array } | "erased" | undefined): string {
  return typeof key === "object" ? Array.from(key.bytes, (byte) => byte.toString(16)).join() : String(key);
}
