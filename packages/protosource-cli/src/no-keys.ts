/** What stands for a keyring where there is none. */
import { ProtosourceError } from "protosource-es";
import type { Keyring } from "protosource-es/personal";

/** Leaves sealed what is sealed, so that a load that needs none of it goes on. It seals nothing. */
export const NO_KEYS: Keyring = {
  canBlind: true,
  opener: async () => () => {},
  sealer: refuse,
  blind: refuse,
  forget: refuse,
};

function refuse(): never {
  throw new ProtosourceError("not_configured", "there are no keys here: give a keyring", { option: "keyring" });
}
