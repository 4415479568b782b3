/** Pages beside the web client by which a browser is signed in, for as long as the demo runs. */
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./node.mjs";

const DIST = join(root, "web-client", "dist");

/**
 * A page that signs the browser in as a device of its own. It is on the server's own origin, and its name is a secret.
 *
 * @returns a promise of {href, remove}: its address, and what takes it away
 */
export async function signInPage(user) {
  const device = await user.call("POST", "/login", {
    type: "m.login.password",
    identifier: { type: "m.id.user", user: user.username },
    password: user.password,
    initial_device_display_name: "Weft (demo)",
  });
  const name = `demo-${randomBytes(9).toString("hex")}`;
  const session = {
    baseUrl: "",
    userId: device.user_id,
    deviceId: device.device_id,
    accessToken: device.access_token,
  };
  const paths = [join(DIST, `${name}.html`), join(DIST, `${name}.js`)];
  writeFileSync(paths[0], page(name), { mode: 0o600 });
  writeFileSync(paths[1], script(session), { mode: 0o600 });
  return {
    href: `${user.url}/${name}.html`,
    remove: () => paths.forEach((path) => rmSync(path, { force: true })),
  };
}

function page(name) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Weft</title><body>
<script type="module" src="./${name}.js"></script></body></html>
`;
}

/**
 * The same browser may have an account on a server that runs here at other times: that stays beside this one. Accounts are kept as
 * web-client/src/api/session.ts says.
 */
function script(session) {
  return `const session = ${JSON.stringify(session)};
const KEY = "weft.session";
const userOf = (key) => JSON.parse(localStorage.getItem(key) ?? "null")?.userId;
const isFirst = [undefined, session.userId].includes(userOf(KEY));
const suffix = isFirst ? "" : " " + session.userId;
localStorage.setItem(KEY + suffix, JSON.stringify(session));
localStorage.setItem("weft.encryption-offered" + suffix, [session.userId, session.deviceId, "set-up"].join(" "));
for (const store of [localStorage, sessionStorage]) store.setItem("weft.account", session.userId);
location.replace("./");
`;
}
