import type { JSX } from "preact";
import { Notice } from "./notice.js";

/** Says how a page gets in that lacks the token: a link was opened in a new tab, or the server was started again. */
export function Stranger(): JSX.Element {
  return (
    <Notice kind="error">
      <p>This page lacks the token of the server. Open the address that the terminal shows, or put it in here:</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const given = (new FormData(event.currentTarget).get("address") as string).trim();
          location.hash = given.includes("#") ? given.slice(given.indexOf("#") + 1) : `token=${given}`;
          location.reload();
        }}
      >
        <input name="address" type="password" autocomplete="off" aria-label="The address, or the token" required />
        <button type="submit">Go on</button>
      </form>
    </Notice>
  );
}
