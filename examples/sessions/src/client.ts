/** Sessions as a browser has them: the script of the page. */
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { SessionService } from "../gen/example/app/session/v1/session_v1_service_pb.js";

export { State } from "../gen/example/app/session/v1/session_v1_pb.js";

/** Makes a user's client of sessions. All its calls are typed by the service. */
export function sessionClient(baseUrl: string, user: string): Client<typeof SessionService> {
  const transport = createConnectTransport({
    baseUrl,
    useHttpGet: true,
    interceptors: [
      (next) => (call) => {
        call.header.set("x-user", user);
        return next(call);
      },
    ],
  });
  return createClient(SessionService, transport);
}
