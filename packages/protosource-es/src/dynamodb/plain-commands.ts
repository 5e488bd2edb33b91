/** The SDK's commands as they are, for clients that can't take fast ones. */
import { type Attempt, depart, type HttpHandler } from "./attempt.js";

/** Follows a command's requests, and leaves all else of it to the SDK. */
export function plainCommand<C extends object>(command: C, client: object, attempt: Attempt): C {
  const { middlewareStack } = command as unknown as { readonly middlewareStack: CommandStack };
  const { config } = client as { readonly config?: { readonly requestHandler?: HttpHandler } };
  const follow: Middleware = (next) => {
    attempt.isShown = true;
    return (args) => depart(attempt, config?.requestHandler ?? {}, args.request, () => next(args));
  };
  middlewareStack.add(follow, { step: "deserialize", priority: "high", name: "protosourceDeparture" });
  return command;
}

/** The parts of the SDK that are looked at. */
interface CommandStack {
  add(middleware: Middleware, options: object): void;
}
interface Args {
  readonly request: { readonly headers: object };
}
type Next = (args: Args) => Promise<object>;
type Middleware = (next: Next) => Next;
