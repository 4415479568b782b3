/** Settings that are read again, and what is said of it. */
import { expect, test } from "vitest";
import { describeChange, openConfig } from "../../src/config/live.ts";
import { fileWith } from "./files.ts";

const reloaded = (live: ReturnType<typeof openConfig>) => live.reload().map(describeChange);

test("settings that can be are in force at once, others are told at each reading until a start", () => {
  const file = fileWith("registration: open\nuser_alias_limit: 5\nlisten: 127.0.0.1:8001\n");
  const live = openConfig(file, {});
  const { config } = live;
  const { userLimits } = config;
  expect(live.reload()).toEqual([]);
  fileWith("registration: closed\nuser_alias_limit: 6\nlisten: 127.0.0.1:8002\n");
  expect(reloaded(live)).toEqual([
    'listen: "127.0.0.1:8001" -> "127.0.0.1:8002" (takes effect at the next start)',
    'registration: "open" -> "closed" (in force)',
    "user_alias_limit: 5 -> 6 (in force)",
  ]);
  expect(config).toMatchObject({ registration: "closed", listen: { port: 8001 } });
  expect([userLimits.aliases, config.userLimits.aliases]).toEqual([6, 6]);
  fileWith("user_alias_limit: 6\nlisten: 127.0.0.1:8002\n");
  expect(reloaded(live)).toEqual([
    'listen: "127.0.0.1:8001" -> "127.0.0.1:8002" (takes effect at the next start)',
    'registration: "closed" -> "token" (in force)',
  ]);
  expect(config.registration).toBe("token");
});

test("what the environment says wins, also over a file that is read again", () => {
  const file = fileWith("registration: open\n");
  const live = openConfig(file, { WEFT_REGISTRATION: "token" });
  fileWith("registration: closed\n");
  expect(live.reload()).toEqual([]);
  expect(live.config.registration).toBe("token");
});

test("secrets are not shown", () => {
  const file = fileWith("turn_uris: [turn:a.test]\nturn_shared_secret: one\n");
  const live = openConfig(file, {});
  fileWith("turn_uris: [turn:a.test]\nturn_shared_secret: two\n");
  expect(reloaded(live)).toEqual(["turn_shared_secret: (hidden) -> (hidden) (in force)"]);
  fileWith("");
  expect(reloaded(live)).toEqual([
    'turn_uris: ["turn:a.test"] -> not set (in force)',
    "turn_shared_secret: (hidden) -> not set (in force)",
  ]);
  expect(live.config.turn).toBeUndefined();
});

test("a wrong value leaves everything as it was", () => {
  const file = fileWith("registration: open\nuser_alias_limit: 5\n");
  const live = openConfig(file, {});
  fileWith("registration: closed\nuser_alias_limit: many\n");
  expect(() => live.reload()).toThrow(/^user_alias_limit: "many" is not valid; write /);
  fileWith("registration: [");
  expect(() => live.reload()).toThrow(/cannot be read/);
  expect(live.config).toMatchObject({ registration: "open", userLimits: { aliases: 5 } });
});

test("a live value that goes together with one that waits for a start is refused, and why is said", () => {
  const live = openConfig(fileWith(""), {});
  fileWith("smtp_url: smtp://a.test\nsmtp_from: a@a.test\nregistration_email: required\n");
  expect(() => live.reload()).toThrow(/needs a start: start Weft again$/);
  expect(live.config.registrationEmail).toBe("optional");
});

test("administrators see what is in force, with no secret in it", () => {
  const file = fileWith(
    "registration: open\nlisten: 127.0.0.1:8001\nturn_uris: [turn:a.test]\nturn_shared_secret: hush\n",
  );
  const env = {
    WEFT_DATABASE_URL: "postgres://u:hush@db/x",
    WEFT_PUBLIC_BASE_URL: "https://a.test",
  };
  const live = openConfig(file, env);
  const of = (name: string) => live.shown().find((each) => each.name === name);
  expect(JSON.stringify(live.shown())).not.toContain("hush");
  expect(of("registration")).toMatchObject({
    ...{ variable: "WEFT_REGISTRATION", value: "open", default: "token" },
    ...{ isSet: true, isHidden: false, isLive: true },
  });
  expect(of("turn_shared_secret")).toMatchObject({ value: null, isSet: true, isHidden: true });
  expect(of("database_url")).toMatchObject({ value: null, isSet: true, isHidden: true });
  expect(of("public_base_url")).toMatchObject({ value: "https://a.test", isHidden: false });
  expect(of("password_min_length")).toMatchObject({ value: 8, isSet: false });
  // What waits for the next start is not in force.
  fileWith("registration: closed\nlisten: 127.0.0.1:8002\n");
  live.reload();
  expect([of("registration")?.value, of("listen")?.value]).toEqual(["closed", "127.0.0.1:8001"]);
});
