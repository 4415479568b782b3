/** People on two servers who talk in rooms with pictures, reactions and threads, by the client API alone. */
import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { HEIGHT, lake, WIDTH } from "./demo-picture.mjs";

const ARRIVE_MS = 90_000;
const LINES = [
  "Good morning! Does this reach you?",
  "It does: signed, over TLS, from another server.",
  "And it would go on if one of us were restarted.",
  "Let us see who else comes by.",
];

/**
 * Fills the rooms. `users`: alice on the first server, bob on the second.
 *
 * @returns a promise of {alias, messages: {sender, body}[]} as bob sees the public room
 */
export async function converse(servers, [alice, bob]) {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {
    preset: "public_chat",
    visibility: "public",
    name: "The meeting point",
    topic: "Two servers, one conversation",
    room_alias_name: "meeting",
    invite: [bob.userId],
  });
  await join(bob, roomId, servers[0].serverName);
  const path = pathOf(roomId);
  const said = [];
  for (const [index, body] of LINES.entries()) {
    said.push(await say([alice, bob][index % 2], path, { body }));
    await Promise.all([alice, bob].map((user) => arrival(user, path, body)));
  }
  await react(alice, path, said[1], "🎉");
  await react(bob, path, said[2], "👍");
  await react(alice, path, said[2], "👍");
  await trip(servers, alice, bob);
  return {
    alias: `#meeting:${servers[0].serverName}`,
    messages: await messagesOf(bob, path),
  };
}

/** A room with a picture, an answer, a thread and a poll of thumbs. */
async function trip(servers, alice, bob) {
  const { room_id: roomId } = await alice.call("POST", "/createRoom", {
    preset: "private_chat",
    name: "Trip to the lakes",
    topic: "When, who, and who brings the boat",
    invite: [bob.userId],
  });
  await join(bob, roomId, servers[0].serverName);
  const path = pathOf(roomId);
  const question = await say(alice, path, {
    body: "Shall we go on **Saturday**? Last year it looked like this:",
    format: "org.matrix.custom.html",
    formatted_body: "Shall we go on <strong>Saturday</strong>? Last year it looked like this:",
  });
  const picture = lake();
  const photo = await say(alice, path, {
    msgtype: "m.image",
    body: "lake.png",
    url: await alice.upload("lake.png", "image/png", picture),
    info: { mimetype: "image/png", size: picture.length, w: WIDTH, h: HEIGHT },
  });
  await arrival(bob, path, "lake.png");
  await react(bob, path, photo, "😍");
  const answer = await say(bob, path, {
    body: "Saturday is fine!",
    "m.relates_to": { "m.in_reply_to": { event_id: question } },
  });
  await arrival(alice, path, "Saturday is fine!");
  await react(alice, path, answer, "⛵");
  const inThread = (body, before) => ({
    body,
    "m.relates_to": {
      rel_type: "m.thread",
      event_id: photo,
      is_falling_back: true,
      "m.in_reply_to": { event_id: before },
    },
  });
  const first = await say(bob, path, inThread("Whose boat is that?", photo));
  await arrival(alice, path, "Whose boat is that?");
  const second = await say(
    alice,
    path,
    inThread("Ines lends it to us. She brings oars, too.", first),
  );
  await arrival(bob, path, "Ines lends it to us. She brings oars, too.");
  await say(bob, path, inThread("Then I bring the cake.", second));
}

/** An account of its own on a server. */
export async function register({ url }, username, displayname) {
  const password = randomBytes(6).toString("base64url");
  const body = { username, password, initial_device_display_name: "demo" };
  const attempt = (auth) => request(url, undefined, "POST", "/register", { ...body, ...auth });
  const challenge = await attempt({});
  const session = challenge.body.session;
  const { body: account, status } = await attempt({ auth: { type: "m.login.dummy", session } });
  if (status !== 200) throw new Error(`registration: ${JSON.stringify(account)}`);
  return named(userOf(url, username, password, account), displayname);
}

/** The same for an administrator, by the secret that the server was started with. */
export async function registerAdministrator({ url, secret }, username, displayname) {
  const password = randomBytes(6).toString("base64url");
  const address = `${url}/_synapse/admin/v1/register`;
  const { nonce } = await (await fetch(address)).json();
  const mac = createHmac("sha1", secret)
    .update([nonce, username, password, "admin"].join("\0"))
    .digest("hex");
  const body = JSON.stringify({ nonce, username, password, admin: true, mac });
  const answer = await fetch(address, { method: "POST", body });
  const account = await answer.json();
  if (answer.status !== 200) throw new Error(`registration: ${JSON.stringify(account)}`);
  return named(userOf(url, username, password, account), displayname);
}

async function named(user, displayname) {
  await user.call("PUT", `/profile/${encodeURIComponent(user.userId)}/displayname`, {
    displayname,
  });
  return user;
}

function userOf(url, username, password, account) {
  return {
    url,
    username,
    password,
    userId: account.user_id,
    deviceId: account.device_id,
    accessToken: account.access_token,
    async call(method, path, content) {
      const answer = await request(url, account.access_token, method, path, content);
      if (answer.status === 200) return answer.body;
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    },
    async upload(name, type, bytes) {
      const answer = await fetch(
        `${url}/_matrix/media/v3/upload?filename=${encodeURIComponent(name)}`,
        {
          method: "POST",
          headers: { "content-type": type, authorization: `Bearer ${account.access_token}` },
          body: bytes,
        },
      );
      return (await answer.json()).content_uri;
    },
  };
}

const pathOf = (roomId) => `/rooms/${encodeURIComponent(roomId)}`;

/** Joins over the other server, which may be busy still. */
export async function join(user, roomId, via) {
  const path = `/join/${encodeURIComponent(roomId)}?via=${encodeURIComponent(via)}`;
  const deadline = Date.now() + ARRIVE_MS;
  for (;;) {
    const failure = await user.call("POST", path, {}).then(
      () => undefined,
      (error) => error,
    );
    if (failure === undefined) return;
    if (Date.now() > deadline) throw failure;
    await delay(500);
  }
}

async function send(user, path, type, content) {
  const id = randomBytes(8).toString("hex");
  return (await user.call("PUT", `${path}/send/${type}/${id}`, content)).event_id;
}

const say = (user, path, content) =>
  send(user, path, "m.room.message", { msgtype: "m.text", ...content });

const react = (user, path, event_id, key) =>
  send(user, path, "m.reaction", {
    "m.relates_to": { rel_type: "m.annotation", event_id, key },
  });

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
