import type { About } from "protosource-cli/studio";
import type { Place } from "./address.js";

/** What a screen gets. */
export interface ScreenProps {
  readonly about: About;
  readonly place: Place;
}
