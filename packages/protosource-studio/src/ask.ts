/** Asking the API. */
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Refusal } from "protosource-cli/studio";
import { personal } from "./settings.js";
import { printable } from "./words.js";

/** What is asked, by the name of a route and its parameters; a list is given one by one, and what is undefined is left out. */
export type Parameters = { readonly [name: string]: string | readonly string[] | undefined };

/** Why there is no answer, in words for the user. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  /** Whether the token is missing, or not the server's. */
  readonly isStranger: boolean;

  constructor(message: string, isStranger = false) {
    super(printable(message));
    this.isStranger = isStranger;
  }
}

const TOKEN = "protosource-studio-token";

/**
 * Takes the token out of the address, where it must not stay: it would be in each link that is copied. Tells whether there
 * was one.
 */
export function takeToken(): boolean {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return false;
  sessionStorage.setItem(TOKEN, token);
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

/** Who answers. */
export interface Answerer {
  (request: Request): Promise<Response>;
  /** Applies a command for real, its fields as JSON: of the playground alone. Rejects with why it doesn't. */
  readonly applyCommand?: (id: string, command: string, fields: string) => Promise<void>;
}

/** Who answers: the server, unless an export is looked at that was read into the page itself, or it is the playground. */
export const answering: Signal<Answerer> = signal(askServer);

/** Changes with what answers, and with what it is asked to show: what was read begins anew then. */
export const turn: ReadonlySignal<object> = computed(() => [answering.value, personal.value]);

function askServer(request: Request): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN) ?? "";
  return fetch(new Request(request, { headers: { authorization: `Bearer ${token}` } }));
}

/** Asks one thing, and for what is personal in it where that is to be shown. Throws {@link NoAnswer}, and what an abort makes. */
export async function ask<T>(route: string, parameters: Parameters, abort?: AbortSignal): Promise<T> {
  const url = new URL(`/api/${route}`, location.origin);
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of typeof value === "string" ? [value] : (value ?? [])) url.searchParams.append(name, one);
  }
  if (personal.value === "shown") url.searchParams.set("personal", "shown");
  let response: Response;
  let answer: T | Refusal;
  try {
    response = await answering.value(new Request(url, { signal: abort ?? null }));
    answer = (await response.json()) as T | Refusal;
  } catch (cause) {
    if (abort?.aborted) throw cause;
    throw new NoAnswer("The studio's server has ended. Start it again, and open the address that it prints.");
  }
  if (response.ok) return answer as T;
  const { message } = (answer as Refusal).error;
  throw new NoAnswer(message.charAt(0).toUpperCase() + message.slice(1), response.status === 401);
}
