/** What is refused of a configuration, in one line that says what to do. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createAuthority } from "../../../scripts/lib/certificates.mjs";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigError, unknownVariables } from "../../src/config/values.ts";
import { fileWith, folder } from "./files.ts";

function problem(env: NodeJS.ProcessEnv, file?: string): string {
  try {
    loadConfig(file, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error("no error");
}

describe("the configuration", () => {
  test.each([
    [
      { WEFT_REGISTRATION: "maybe" },
      'WEFT_REGISTRATION: "maybe" is not valid; write open, token or closed',
    ],
    [{ WEFT_LISTEN: "8008" }, 'WEFT_LISTEN: "8008" is not valid; write an address and a port'],
    [{ WEFT_LISTEN: "0.0.0.0:99999" }, "has a port above 65535"],
    [
      { WEFT_SERVER_NAME: "no name" },
      'WEFT_SERVER_NAME: "no name" is not valid; write a host name',
    ],
    [{ WEFT_FEDERATION_ALLOW_PRIVATE: "perhaps" }, "write true or false"],
    [
      { WEFT_FEDERATION_LISTEN: "0.0.0.0:8448" },
      'WEFT_FEDERATION_LISTEN: "0.0.0.0:8448" needs tls_cert too',
    ],
    [{ WEFT_TLS_CERT: "/nowhere.pem" }, 'WEFT_TLS_CERT: "/nowhere.pem" cannot be read'],
    [{ WEFT_APPSERVICES: "/nowhere" }, "is no folder"],
    [{ DATABASE_URL: "mysql://u:secret@h/d" }, "WEFT_DATABASE_URL"],
    [{ WEFT_TRUSTED_KEY_SERVERS: "a.test,b c" }, "WEFT_TRUSTED_KEY_SERVERS"],
    [{ WEFT_PUBLIC_BASE_URL: "m.test" }, "write an http or https address"],
    [{ WEFT_USER_UPLOAD_LIMIT: "10 GB" }, "write a size such as 500MiB or 10GiB, or none"],
    [{ WEFT_USER_DEVICE_LIMIT: "-1" }, "write a whole number, 0 for no limit"],
    [{ WEFT_USER_DEVICE_LIMIT: "many" }, "write a whole number, 0 for no limit"],
  ])("%o is refused in one line", (env: NodeJS.ProcessEnv, expected) => {
    const message = problem(env);
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
    expect(message).not.toContain("secret@");
  });

  test("TLS files that are none, or do not belong together, are refused", () => {
    const authority = createAuthority();
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const [one, two] = [authority.issue(["a.test"]), authority.issue(["a.test"])];
    const WEFT_TLS_CERT = write("cert.pem", one.cert);
    const key = write("key.pem", one.key);
    expect(loadConfig(undefined, { WEFT_TLS_CERT, WEFT_TLS_KEY: key }).tlsKey).toBe(key);
    expect(problem({ WEFT_TLS_CERT, WEFT_TLS_KEY: write("other.pem", two.key) })).toContain(
      "is not the key of the certificate in tls_cert; write",
    );
    expect(problem({ WEFT_TLS_CERT: key })).toMatch(/^WEFT_TLS_CERT: .* holds no PEM certificate/);
    expect(problem({ WEFT_FEDERATION_CA: write("ca.pem", "nonsense") })).toMatch(
      /^WEFT_FEDERATION_CA/,
    );
  });

  test("a key that does not exist, or a file that is not one, is refused with a hint", () => {
    expect(problem({}, fileWith("servername: a.test"))).toMatch(
      /^servername: .*did you mean server_name\?/,
    );
    expect(problem({}, fileWith("- a"))).toContain("is not a mapping");
    expect(problem({}, fileWith("a: [b"))).toContain("cannot be read");
    expect(problem({}, join(folder, "none.yaml"))).toContain("ENOENT");
    expect(problem({}, fileWith("rate_limits: 3"))).toBe(
      "rate_limits: 3 is not valid; write on or off",
    );
  });

  test("variables that only look like ours are noticed", () => {
    expect(
      unknownVariables({ WEFT_REGISTRATON: "open", WEFT_TEST_DATABASE_URL: "", WEFT_LISTEN: "" }),
    ).toEqual(["WEFT_REGISTRATON"]);
  });
});
