import type { Encryption } from "../encryption/index.ts";
import { route, type Route } from "../http/route.ts";

/** Messages for single devices. (Client-server API, "Send-to-Device messaging".) */
export function toDeviceRoutes({ encryption }: { encryption: Encryption }): Route[] {
  return [
    // PUT /_matrix/client/v3/sendToDevice/{eventType}/{txnId}
    route("sendToDevice", async ({ params, body, requester }) => {
      const { eventType: type, txnId } = params;
      await encryption.toDevice.send({ by: requester, type, txnId, messages: body.messages });
      return {};
    }),
  ];
}
