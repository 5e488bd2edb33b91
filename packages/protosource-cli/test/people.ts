/** The people of the test schemas as a user's domain, with the keys that their fields are sealed with. */
import { memoryKeyStore } from "protosource-es/memory";
import { createKeyring, type Keyring } from "protosource-es/personal";
import { defineHandler, on, type Subscription } from "protosource-es/subscriptions";
import {
  definePerson,
  type PersonAggregate,
} from "../../protosource-es/test/gen/example/app/people/v1/people_v1_protosource.js";

export const person: PersonAggregate = definePerson();
export const keyring: Keyring = createKeyring(memoryKeyStore(), {
  secret: new TextEncoder().encode("a secret of the tests, long enough"),
});
export const greetings: Subscription = defineHandler({ name: "greetings", from: [on(person, { Registered() {} })] });
