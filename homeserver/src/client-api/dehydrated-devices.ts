import { raw, type Reply } from "../http/reply/reply.ts";
import { route, type Route } from "../http/route.ts";
import type { Users } from "../users/users.ts";

/** Dehydrated devices. (MSC3814.) */
export function dehydratedDevicesRoutes({ users }: { users: Users }): Route[] {
  const { dehydratedDevices } = users;

  return [
    // GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device
    route("getDehydratedDevice", async ({ requester }) => {
      const { deviceId, deviceData } = await dehydratedDevices.get(requester.userId);
      return { device_id: deviceId, device_data: deviceData };
    }),

    // PUT /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device
    route("putDehydratedDevice", async ({ requester, body }) => {
      const { device_id: deviceId, device_data: deviceData, ...rest } = body;
      const { device_keys, one_time_keys, fallback_keys } = rest;
      await dehydratedDevices.put(requester.userId, {
        deviceId,
        deviceData,
        displayName: rest.initial_device_display_name,
        keys: { device_keys, one_time_keys, fallback_keys },
      });
      return { device_id: deviceId };
    }),

    // DELETE /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device
    route("deleteDehydratedDevice", async ({ requester }) => ({
      device_id: await dehydratedDevices.remove(requester.userId),
    })),

    // GET /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events
    route("getDehydratedDeviceEvents", async ({ requester, params, query }) => {
      const { userId } = requester;
      const { from, limit } = query;
      const page = await dehydratedDevices.messages(userId, params.deviceId, from, limit);
      return eventsBody(page.messages, page.hasMore ? page.nextBatch : undefined);
    }),

    // POST /_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events
    route("postDehydratedDeviceEvents", async ({ requester, params, body }) => {
      const { userId } = requester;
      const page = await dehydratedDevices.messages(userId, params.deviceId, body.next_batch);
      return eventsBody(page.messages, page.nextBatch);
    }),
  ];
}

function eventsBody(messages: readonly string[], nextBatch: string | undefined): Reply {
  const next = nextBatch === undefined ? "" : `,"next_batch":${JSON.stringify(nextBatch)}`;
  return raw(`{"events":[${messages.join(",")}]${next}}`);
}
