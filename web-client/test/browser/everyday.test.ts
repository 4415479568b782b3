import { html } from "lit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { page, userEvent } from "vitest/browser";
import { ApiError } from "../../src/api/errors.ts";
import { roleOf } from "../../src/store/administrator.ts";
import { $dialog, closeDialog } from "../../src/store/dialogs.ts";
import { $quiet, setQuiet } from "../../src/store/notifier.ts";
import { $toasts } from "../../src/store/toasts.ts";
import { eventually } from "../unit/eventually.ts";
import { createTestClient, expectAccessible, ME, settled, show } from "./support.ts";
import "../../src/elements/settings-account.ts";
import "../../src/elements/settings-notifications.ts";
import "../../src/elements/settings-password.ts";
import "../../src/elements/welcome.ts";

beforeEach(() => page.viewport(700, 1000));
afterEach(() => {
  closeDialog();
  setQuiet(undefined);
  localStorage.clear();
  $toasts.set([]);
  vi.restoreAllMocks();
});

const challenge = (errcode?: string) =>
  new ApiError(401, {
    ...(errcode === undefined ? {} : { errcode }),
    session: "s",
    flows: [{ stages: ["m.login.password"] }],
  });

describe("notifications", () => {
  const rules = {
    global: {
      underride: [
        { rule_id: ".m.rule.message", enabled: true },
        { rule_id: ".m.rule.encrypted", enabled: false },
      ],
      content: [
        { rule_id: ".m.rule.contains_user_name", pattern: "me" },
        { rule_id: "loom", pattern: "loom" },
      ],
    },
  };

  async function open(answers = {}) {
    const made = createTestClient(answers);
    made.store.accountData.set("m.push_rules", rules);
    await show(
      html`<main>
        <weft-settings-notifications .client=${made.client}></weft-settings-notifications>
      </main>`,
      made.client,
    );
    return made;
  }

  test("show what the server's rules say, and change those that there are", async () => {
    const { calls } = await open();
    await expectAccessible();
    const rooms = page.getByLabelText("Messages in rooms");
    await expect.element(rooms).not.toBeChecked();
    await expect.element(page.getByLabelText("Messages in direct chats")).toBeChecked();
    await userEvent.click(rooms);
    await eventually(() =>
      expect(
        calls.filter(({ name }) => name === "notify.setEnabled").map(({ args }) => args),
      ).toEqual([
        ["underride", ".m.rule.message", true],
        ["underride", ".m.rule.encrypted", true],
      ]),
    );
  });

  test("a change that the server refuses is taken back, and told", async () => {
    await open({ "notify.setEnabled": () => Promise.reject(new ApiError(500, {})) });
    const rooms = page.getByLabelText("Messages in rooms");
    await userEvent.click(rooms);
    await eventually(() => expect($toasts.get()).toHaveLength(1));
    await expect.element(rooms).not.toBeChecked();
  });

  test("keywords are added and removed; what can be none is said beside the field", async () => {
    const { calls } = await open();
    await userEvent.fill(page.getByLabelText("New keyword"), ".m.rule.x");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/begins with no dot/)).toBeVisible();
    await expect.element(page.getByLabelText("New keyword")).toHaveValue(".m.rule.x");
    await userEvent.fill(page.getByLabelText("New keyword"), "shuttle");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByLabelText("New keyword")).toHaveValue("");
    await userEvent.click(page.getByRole("button", { name: "Remove loom" }));
    const named = (name: string) => calls.filter((call) => call.name === name);
    await eventually(() => expect(named("notify.removeKeyword")[0]?.args).toEqual(["loom"]));
    expect(named("notify.setKeyword").map(({ args }) => args)).toEqual([["shuttle"]]);
  });

  test("quiet hours are kept by this browser", async () => {
    await open();
    await userEvent.click(page.getByLabelText(/Nothing pops up/));
    await userEvent.fill(page.getByLabelText("From"), "20:30");
    await userEvent.keyboard("{Tab}");
    await eventually(() => expect($quiet.get()).toEqual({ from: "20:30", to: "07:00" }));
    expect(JSON.parse(localStorage.getItem("weft.quiet")!)).toEqual({ from: "20:30", to: "07:00" });
    await expectAccessible();
  });
});

describe("the account", () => {
  async function open(answers = {}) {
    const made = createTestClient({
      "contact.addresses": () => [{ medium: "email", address: "me@one.test" }],
      "contact.requestEmail": () => "sid1",
      ...answers,
    });
    await show(
      html`<main><weft-settings-account .client=${made.client}></weft-settings-account></main>`,
      made.client,
    );
    const named = (name: string) => made.calls.filter((call) => call.name === name);
    return { ...made, named };
  }

  test("an address is added once its link was followed, with the password", async () => {
    const refusals = [challenge(), new ApiError(400, { errcode: "M_THREEPID_AUTH_FAILED" })];
    const { named } = await open({
      "contact.addEmail": () => {
        const refusal = refusals.shift();
        return refusal === undefined ? {} : Promise.reject(refusal);
      },
    });
    await expect.element(page.getByText("me@one.test")).toBeVisible();
    await expectAccessible();
    await userEvent.fill(page.getByLabelText("New address"), "other@one.test");
    await userEvent.keyboard("{Enter}");
    await expect.element(page.getByText(/on its way to other@one.test/)).toBeVisible();
    await userEvent.fill(page.getByLabelText("Password", { exact: true }).first(), "secret");
    await userEvent.click(page.getByRole("button", { name: "I have followed the link" }));
    await expect.element(page.getByText(/is not confirmed yet/)).toBeVisible();
    await userEvent.click(page.getByRole("button", { name: "I have followed the link" }));
    await eventually(() => expect($toasts.get()).toHaveLength(1));
    expect(named("contact.addEmail")[1]!.args[2]).toMatchObject({
      type: "m.login.password",
      password: "secret",
      identifier: { user: ME },
    });
    expect(named("contact.addresses")).toHaveLength(2);
  });

  test("is closed after its password, and after being told what that means", async () => {
    const { named } = await open({
      "contact.deactivate": (_erase: boolean, auth?: object) =>
        Promise.reject(challenge(auth === undefined ? undefined : "M_FORBIDDEN")),
    });
    await userEvent.click(page.getByRole("button", { name: /^Close account/ }));
    await expect.element(page.getByText("Enter your password first.")).toBeVisible();
    await userEvent.fill(page.getByLabelText("Password", { exact: true }), "wrong");
    await userEvent.click(page.getByLabelText(/Hide what I wrote/));
    await userEvent.click(page.getByRole("button", { name: /^Close account/ }));
    await settled();
    const request = $dialog.get();
    if (request?.kind !== "confirm") throw new Error("nothing asks");
    expect(request.text).toMatch(/cannot be undone/);
    await expect(request.run("", false)).rejects.toThrow();
    expect(named("contact.deactivate").map(({ args }) => args[0])).toEqual([true, true]);
    await expect.element(page.getByText("This password is not right.")).toBeVisible();
  });
});

test("a changed password signs out the other devices where that is wanted", async () => {
  const { client, calls } = createTestClient();
  await show(
    html`<main><weft-settings-password .client=${client}></weft-settings-password></main>`,
    client,
  );
  await userEvent.fill(page.getByLabelText("Current password"), "old one");
  await userEvent.fill(page.getByLabelText("New password"), "new and long");
  await userEvent.click(page.getByLabelText("Sign out my other devices"));
  await userEvent.click(page.getByRole("button", { name: "Change password" }));
  await eventually(() =>
    expect(calls.find(({ name }) => name === "account.changePassword")?.args).toEqual([
      "new and long",
      true,
      undefined,
    ]),
  );
});

test("whoever has no room is shown how to begin", async () => {
  const { client } = createTestClient();
  await show(html`<weft-welcome .client=${client}></weft-welcome>`, client);
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: /Create a room/ }));
  expect($dialog.get()).toMatchObject({ kind: "create-room" });
  await expect.element(page.getByRole("link", { name: /Set up your profile/ })).toBeVisible();
});

test("an administrator invites by a link from where one begins; nobody else sees it", async () => {
  const plain = createTestClient();
  await show(html`<weft-welcome .client=${plain.client}></weft-welcome>`, plain.client);
  await eventually(() => expect(roleOf(plain.client).get()).toBe("user"));
  await expect.element(page.getByText("Invite people by a link")).not.toBeInTheDocument();
  const { client } = createTestClient({ "account.mayAdminister": () => true });
  await show(html`<weft-welcome .client=${client}></weft-welcome>`, client);
  await expectAccessible();
  await userEvent.click(page.getByRole("button", { name: /Invite people by a link/ }));
  await eventually(() => expect($dialog.get()).toMatchObject({ kind: "act" }));
  expect($dialog.get()).toMatchObject({ act: { action: "Make a link" } });
});
