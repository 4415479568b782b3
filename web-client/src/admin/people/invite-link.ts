import { msg } from "@lit/localize";
import { createUsersAdmin, type RegistrationToken } from "../../api/admin/users.ts";
import type { Act, ActField, ActValues } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";

/** The value of a field for a day and a time. */
function fieldTime(ts: number | null): string {
  if (ts === null) return "";
  const local = new Date(ts - new Date(ts).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

/** The fields for how many may register, and until when. */
export function limits(token?: RegistrationToken): ActField[] {
  return [
    {
      name: "uses",
      label: msg("How many accounts"),
      type: "number",
      value: String(token === undefined ? 1 : (token.uses_allowed ?? "")),
      hint: msg("Empty: any number."),
      check(value) {
        if (Number(value) > 2_147_483_647) return msg("This number is too large.");
        const none = token === undefined && Number(value) === 0;
        return none ? msg("One account at least, or empty.") : undefined;
      },
    },
    {
      name: "until",
      label: msg("Good until"),
      type: "moment",
      value: fieldTime(token?.expiry_time ?? null),
      hint: msg("Empty: for ever."),
      check: (value) =>
        new Date(value).getTime() > Date.now() ? undefined : msg("This moment is over."),
    },
  ];
}

export const readLimits = (values: ActValues) => ({
  uses_allowed: values["uses"] === "" ? null : Number(values["uses"]),
  expiry_time: values["until"] === "" ? null : new Date(values["until"]!).getTime(),
});

/** Makes a link by which people register; `made` is told of it. */
export function inviteAct(client: Client, made: () => void = () => undefined): Act {
  return {
    heading: msg("Invite by link"),
    text: msg("Whoever has the link can register here, as long as it is good."),
    undo: msg("You can delete the link at any time. Accounts that were made with it stay."),
    fields: limits(),
    action: msg("Make a link"),
    run: async (values) => {
      const { url } = await createUsersAdmin(client.api.http).createLink(readLimits(values));
      made();
      return { text: msg("Send this link to whom you invite:"), copy: url };
    },
  };
}
