import type { RequestBody } from "@weft/spec/types";
import type { Http } from "./http.ts";
import { object, text, type Content } from "./types.ts";

const RULE = "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}";

type PusherBody = RequestBody<"postPusher">;
export type RuleKind = "override" | "content" | "underride";

/** What a person is notified of in all rooms, and where their browser is told of it. */
export function createNotifyApi(http: Http) {
  return {
    /** The server's key for web push; undefined where it has none. */
    async webPushKey(): Promise<string | undefined> {
      const { capabilities } = await http.call<"getCapabilities">(
        "GET",
        "/_matrix/client/v3/capabilities",
        {},
      );
      const offer = object(capabilities as Content | undefined, "org.matrix.msc4174.webpush");
      return offer?.["enabled"] === true ? text(offer, "vapid") : undefined;
    },
    setPusher: (body: PusherBody) =>
      http.call<"postPusher">("POST", "/_matrix/client/v3/pushers/set", { body }),
    activatePusher: (appId: string, token: string) =>
      http.call<"activatePusher">(
        "POST",
        "/_matrix/client/unstable/org.matrix.msc4174/pushers/ack",
        { body: { app_id: appId, ack_token: token } },
      ),
    setKeyword: (word: string) =>
      http.call<"setPushRule">("PUT", RULE, {
        path: { kind: "content", ruleId: word },
        body: {
          pattern: word,
          actions: ["notify", { set_tweak: "sound", value: "default" }, { set_tweak: "highlight" }],
        },
      }),
    removeKeyword: (ruleId: string) =>
      http.call<"deletePushRule">("DELETE", RULE, { path: { kind: "content", ruleId } }),
    setEnabled: (kind: RuleKind, ruleId: string, enabled: boolean) =>
      http.call<"setPushRuleEnabled">("PUT", `${RULE}/enabled`, {
        path: { kind, ruleId },
        body: { enabled },
      }),
  };
}

export type NotifyApi = ReturnType<typeof createNotifyApi>;
