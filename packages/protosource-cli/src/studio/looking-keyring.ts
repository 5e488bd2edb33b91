import { isProtosourceError, ProtosourceError } from "protosource-es";
import type { Keyring } from "protosource-es/personal";

/**
 * Gives a keyring that opens what it can, and makes and erases no keys. What doesn't open stays sealed, so that one lost key
 * hides nothing else: that of a person who was forgotten is known, and reads as such.
 */
export function lookingKeyring(keyring: Keyring): Keyring {
  return {
    blind: keyring.blind,
    canBlind: keyring.canBlind,
    sealer: refuse,
    forget: refuse,
    async opener(messages, options) {
      const open = await keyring.opener(messages, options);
      return (...sealed) => {
        try {
          open(...sealed);
        } catch (error) {
          if (!isProtosourceError(error, "key_missing") && !isProtosourceError(error, "corrupt_record")) throw error;
        }
      };
    },
  };
}

async function refuse(): Promise<never> {
  throw new ProtosourceError("denied", "no key is made or erased: the studio only reads", { reason: "read-only" });
}
