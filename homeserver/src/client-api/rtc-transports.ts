import { route, type Route } from "../http/route.ts";

/** A service that lets users into the calls of a LiveKit server. (MSC4195.) */
export interface RtcTransport {
  readonly type: "livekit";
  readonly livekit_service_url: string;
}

/** What carries calls of many people. (MSC4143.) */
export function rtcTransportsRoutes(deps: {
  readonly settings: { readonly rtcTransports: readonly RtcTransport[] };
}): Route[] {
  return [
    // GET /_matrix/client/unstable/org.matrix.msc4143/rtc/transports
    route("getRtcTransports", () => ({ rtc_transports: deps.settings.rtcTransports })),
  ];
}
