import { msg, str } from "@lit/localize";
import { createUsersAdmin } from "../../api/admin/users.ts";
import { ApiError } from "../../api/errors.ts";
import type { MenuItem } from "../../elements/menu.ts";
import { serverOf } from "../../store/actions.ts";
import type { Act, ActValues } from "../../store/acts.ts";
import type { Client } from "../../store/client.ts";
import { openDialog } from "../../store/dialogs.ts";
import { toast } from "../../store/toasts.ts";
import { moderating, nameOf, type Subject } from "./moderating.ts";

/** A password that is made up: 20 characters that are not taken for one another, 95 bits and more. */
function makePassword(): string {
  const letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  let made = "";
  while (made.length < 20) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    // Each letter as often as any other.
    if (byte! < letters.length * 4) made += letters[byte! % letters.length];
  }
  return made;
}

/** What is wrong with a localpart, in words. */
export function checkLocalpart(value: string): string | undefined {
  if (!/^[a-z0-9._=\-/+]+$/.test(value))
    return msg("Names are made of a–z, 0–9 and . _ = - / +. Choose another one.");
  return value.length > 200 ? msg("This name is too long.") : undefined;
}

/** Creates a user; answers with the password if that was made up. */
export function createUser(client: Client, after: () => void): Act {
  const server = serverOf(client.session.userId);
  const users = createUsersAdmin(client.api.http);
  return {
    heading: msg("Create a user"),
    action: msg("Create"),
    fields: [
      {
        name: "localpart",
        label: msg("User name"),
        type: "text",
        isRequired: true,
        hint: msg(str`The address becomes @name:${server}.`),
        check: checkLocalpart,
      },
      { name: "name", label: msg("Display name"), type: "text" },
      {
        name: "password",
        label: msg("Password"),
        type: "password",
        hint: msg("Leave it empty, and one is made up and shown to you once."),
      },
      { name: "admin", label: msg("Administrator"), type: "tick" },
    ],
    fieldOf: (error) =>
      error instanceof ApiError &&
      ["M_USER_IN_USE", "M_EXCLUSIVE", "M_INVALID_USERNAME"].includes(error.errcode)
        ? "localpart"
        : undefined,
    async run(values) {
      const { results } = await users.create([
        {
          username: values["localpart"]!,
          ...(values["name"] === "" ? {} : { displayname: values["name"]! }),
          ...(values["password"] === "" ? {} : { password: values["password"]! }),
          ...(values["admin"] === "yes" ? { admin: true } : {}),
        },
      ]);
      const [made] = results;
      if (made?.created !== true) throw new ApiError(400, { ...made });
      after();
      if (made.password === undefined) return undefined;
      return {
        text: msg(
          str`${made.user_id} was created. This is the password, which is not shown again:`,
        ),
        copy: made.password,
      };
    },
  };
}

/** An act that ends with a word about it and a new look. */
function act(
  client: Client,
  work: Omit<Act, "run">,
  done: string,
  run: Run,
  after: () => void,
): Act {
  return {
    ...work,
    async run(values) {
      const outcome = await run(createUsersAdmin(client.api.http), values);
      if (typeof outcome !== "object" || !("text" in outcome)) toast(done);
      after();
      return typeof outcome === "object" && "text" in outcome ? outcome : undefined;
    },
  };
}

type Run = (
  users: ReturnType<typeof createUsersAdmin>,
  values: ActValues,
) => Promise<{ text: string; copy: string } | object>;

/** Everything that can be done to an account as a whole. */
export function userActs(client: Client, user: Subject, after: () => void): MenuItem[] {
  const isSelf = user.name === client.session.userId;
  const open = (one: Act) => (): void => openDialog({ kind: "act", act: one });
  if (user.deactivated)
    return [{ label: msg("Open again"), icon: "retry", run: open(reopen(client, user, after)) }];
  const own: MenuItem[] = [
    {
      label: msg("Change name"),
      icon: "pencil",
      run: open(rename(client, user, after)),
    },
    {
      label: msg("Reset password"),
      icon: "key",
      run: open(resetPassword(client, user, after)),
    },
  ];
  if (isSelf) return own;
  return [
    ...own,
    {
      label: user.admin ? msg("No longer administrator") : msg("Make administrator"),
      icon: "shield",
      run: open(changeRole(client, user, after)),
    },
    {
      label: user.suspended ? msg("End suspension") : msg("Suspend"),
      icon: "ban",
      run: open(suspend(client, user, after)),
    },
    {
      label: user.locked ? msg("Unlock") : msg("Lock"),
      icon: user.locked ? "lockOpen" : "lock",
      run: open(lock(client, user, after)),
    },
    ...moderating(client, user, after),
    {
      label: msg("Close the account"),
      icon: "trash",
      danger: true,
      run: open(close(client, user, after)),
    },
  ];
}

function rename(client: Client, user: Subject, after: () => void): Act {
  return act(
    client,
    {
      heading: msg("Change name"),
      text: msg(str`The name that others see of ${user.name}.`),
      fields: [
        {
          name: "name",
          label: msg("Display name"),
          type: "text",
          value: user.displayname ?? "",
          hint: msg("Empty: the user name is shown."),
        },
      ],
      action: msg("Save"),
    },
    msg("The name was changed."),
    (users, values) => users.put(user.name, { displayname: values["name"] ?? "" }),
    after,
  );
}

function resetPassword(client: Client, user: Subject, after: () => void): Act {
  return act(
    client,
    {
      heading: msg("Reset password"),
      text: msg(str`${nameOf(user)} (${user.name}) signs in with the new password from now on.`),
      undo: msg("The old password is gone for good."),
      fields: [
        {
          name: "password",
          label: msg("New password"),
          type: "password",
          hint: msg("Leave it empty, and one is made up and shown to you once."),
        },
        {
          name: "logout",
          label: msg("Sign out on all devices"),
          type: "tick",
          value: "yes",
          hint: msg("Encrypted messages without a backup are lost with the devices."),
        },
      ],
      action: msg("Reset password"),
    },
    msg("The password was changed."),
    async (users, values) => {
      const password = values["password"] || makePassword();
      await users.resetPassword(user.name, password, values["logout"] === "yes");
      if (values["password"] !== "") return {};
      return { text: msg("This is the password, which is not shown again:"), copy: password };
    },
    after,
  );
}

function changeRole(client: Client, user: Subject, after: () => void): Act {
  const who = nameOf(user);
  return act(
    client,
    user.admin
      ? {
          heading: msg("No longer administrator"),
          text: msg(str`${who} (${user.name}) can no longer open this administration.`),
          undo: msg("You can make them an administrator again."),
          action: msg("Take the role away"),
        }
      : {
          heading: msg("Make administrator"),
          text: msg(
            str`${who} (${user.name}) can then do everything that you can do here: read reports, close accounts, delete rooms.`,
          ),
          undo: msg("You can take the role away again."),
          action: msg("Make administrator"),
        },
    user.admin ? msg("The role was taken away.") : msg("They are an administrator now."),
    (users) => users.setAdministrator(user.name, !user.admin),
    after,
  );
}

function suspend(client: Client, user: Subject, after: () => void): Act {
  const who = nameOf(user);
  return act(
    client,
    user.suspended
      ? {
          heading: msg("End suspension"),
          text: msg(str`${who} (${user.name}) can write again.`),
          action: msg("End suspension"),
        }
      : {
          heading: msg("Suspend"),
          text: msg(
            str`${who} (${user.name}) stays signed in and can read, but can neither write nor join rooms.`,
          ),
          undo: msg("You can end it at any time."),
          action: msg("Suspend"),
          isDanger: true,
        },
    user.suspended ? msg("The suspension has ended.") : msg("The account is suspended."),
    (users) => users.suspend(user.name, !user.suspended),
    after,
  );
}

function lock(client: Client, user: Subject, after: () => void): Act {
  const who = nameOf(user);
  return act(
    client,
    user.locked
      ? {
          heading: msg("Unlock"),
          text: msg(
            str`${who} (${user.name}) can use the account again, on the devices as before.`,
          ),
          action: msg("Unlock"),
        }
      : {
          heading: msg("Lock"),
          text: msg(
            str`${who} (${user.name}) can do nothing until you unlock the account, not even read. Nothing is deleted.`,
          ),
          undo: msg("You can unlock it at any time."),
          action: msg("Lock"),
          isDanger: true,
        },
    user.locked ? msg("The account is unlocked.") : msg("The account is locked."),
    (users) => users.put(user.name, { locked: !user.locked }),
    after,
  );
}

function close(client: Client, user: Subject, after: () => void): Act {
  return act(
    client,
    {
      heading: msg("Close the account"),
      text: msg(
        str`${nameOf(user)} (${user.name}) is signed out everywhere and leaves all rooms. Password, addresses, profile and keys are deleted.`,
      ),
      undo: msg(
        "This cannot be undone. The account can be opened again, but what was deleted does not come back.",
      ),
      fields: [
        {
          name: "erase",
          label: msg("Erase as well"),
          type: "tick",
          hint: msg("Newcomers to rooms no longer see what was written from this account."),
        },
      ],
      typed: user.name,
      action: msg("Close the account"),
      isDanger: true,
    },
    msg("The account was closed."),
    (users, values) => users.deactivate(user.name, values["erase"] === "yes"),
    after,
  );
}

function reopen(client: Client, user: Subject, after: () => void): Act {
  return act(
    client,
    {
      heading: msg("Open again"),
      text: msg(
        str`${user.name} can sign in again with a new password. What was deleted when the account was closed does not come back.`,
      ),
      undo: msg("You can close it again."),
      action: msg("Open again"),
    },
    msg("The account is open again."),
    async (users) => {
      const password = makePassword();
      await users.put(user.name, { deactivated: false, password });
      return { text: msg("This is the password, which is not shown again:"), copy: password };
    },
    after,
  );
}
