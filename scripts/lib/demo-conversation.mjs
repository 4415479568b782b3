/** Two users on two servers who meet in a room, by the client API alone. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

const ARRIVE_MS = 90_000;
const LINES = [
  "Good morning! Does this reach you?",
  "It does: signed, over TLS, from another server.",
  "And it would go on if one of us were restarted.",
  "Let us see who else comes by.",
];

/** @returns a promise of {alias, users: {username, password}[], messages: {sender, body}[]} as bob sees it */
export async function converse(servers) {
  const names = ["alice", "bob"];
  const users = await Promise.all(servers.map(({ url }, index) => register(url, names[index])));
  const [alice, bob] = users;
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {
    preset: "public_chat",
    visibility: "public",
    name: "The meeting point",
    topic: "Two servers, one conversation",
    room_alias_name: "meeting",
    invite: [bob.userId],
  });
  await bob.call(
    "POST",
    `/join/${encodeURIComponent(roomId)}?via=${encodeURIComponent(servers[0].serverName)}`,
    {},
  );
  const path = `/rooms/${encodeURIComponent(roomId)}`;
  for (const [index, body] of LINES.entries()) {
    await users[index % 2].call("PUT", `${path}/send/m.room.message/demo${index}`, {
      msgtype: "m.text",
      body,
    });
    await Promise.all(users.map((user) => arrival(user, path, body)));
  }
  return {
    alias: `#meeting:${servers[0].serverName}`,
    users: users.map(({ username, password }) => ({ username, password })),
    messages: await messagesOf(bob, path),
  };
}

async function register(url, username) {
  const password = randomBytes(6).toString("base64url");
  const body = { username, password, initial_device_display_name: "demo" };
  const attempt = (auth) => request(url, undefined, "POST", "/register", { ...body, ...auth });
  const challenge = await attempt({});
  const session = challenge.body.session;
  const { body: account, status } = await attempt({ auth: { type: "m.login.dummy", session } });
  if (status !== 200) throw new Error(`registration: ${JSON.stringify(account)}`);
  return {
    username,
    password,
    userId: account.user_id,
    async call(method, path, content) {
      const answer = await request(url, account.access_token, method, path, content);
      if (answer.status === 200) return answer.body;
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    },
  };
}

async function request(url, token, method, path, content) {
  const answer = await fetch(`${url}/_matrix/client/v3${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: content === undefined ? undefined : JSON.stringify(content),
  });
  return { status: answer.status, body: await answer.json() };
}

async function messagesOf(user, path) {
  const { chunk } = await user.call("GET", `${path}/messages?dir=b&limit=50`);
  return chunk
    .filter(({ type }) => type === "m.room.message")
    .map(({ sender, content }) => ({ sender, body: content.body }))
    .reverse();
}

/** Waits until the user's own server has the message. */
async function arrival(user, path, body) {
  const deadline = Date.now() + ARRIVE_MS;
  for (;;) {
    if ((await messagesOf(user, path)).some((message) => message.body === body)) return;
    if (Date.now() > deadline) throw new Error(`"${body}" did not reach ${user.userId}`);
    await delay(100);
  }
}
