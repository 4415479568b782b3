import type { Pushers } from "./pushers.ts";

/** A pusher as clients and administrators are shown one. */
export function pusherOf(pusher: Awaited<ReturnType<Pushers["list"]>>[number]) {
  const activated = pusher.isActive !== undefined && { activated: pusher.isActive };
  return {
    app_id: pusher.appId,
    pushkey: pusher.pushkey,
    kind: pusher.kind,
    app_display_name: pusher.appDisplayName,
    device_display_name: pusher.deviceDisplayName,
    ...(pusher.profileTag !== undefined && { profile_tag: pusher.profileTag }),
    lang: pusher.lang,
    ...activated,
    data: { ...pusher.data, ...activated },
  };
}
