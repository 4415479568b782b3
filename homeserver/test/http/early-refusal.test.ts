import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { HERE } from "./support.ts";
import { inTime } from "../support/wait.ts";
import { server, startServer } from "./one-server.ts";
import { MIB, TRANSACTION, answerOn, claim, head, listening, routes } from "./on-socket.ts";

const SEND = "/_matrix/client/v3/rooms/!r:here.test/send/m.room.message/t1";

/** Why a request is refused without its body: [request line, header, status, code]. */
const REFUSED: [string, string, string, number, string][] = [
  ["no signature", `PUT ${TRANSACTION}`, "", 401, "M_UNAUTHORIZED"],
  ["no X-Matrix", `PUT ${TRANSACTION}`, "Bearer good-token", 401, "M_UNAUTHORIZED"],
  ["another destination", `PUT ${TRANSACTION}`, claim("else.test"), 401, "M_UNAUTHORIZED"],
  ["an unknown key", `PUT ${TRANSACTION}`, claim(HERE, "ed25519:none"), 401, "M_UNAUTHORIZED"],
  [
    "a signature of another length",
    `PUT ${TRANSACTION}`,
    claim(HERE).replace("AAAA", ""),
    401,
    "M_UNAUTHORIZED",
  ],
  ["no token", `PUT ${SEND}`, "", 401, "M_MISSING_TOKEN"],
  ["an unknown token", `PUT ${SEND}`, "Bearer none", 401, "M_UNKNOWN_TOKEN"],
  ["an expired token", `PUT ${SEND}`, "Bearer old-token", 401, "M_UNKNOWN_TOKEN"],
  ["an unknown path", "PUT /_matrix/client/v3/nothing", "", 404, "M_UNRECOGNIZED"],
  ["another method", `POST ${SEND}`, "", 405, "M_UNRECOGNIZED"],
  ["a long body", `PUT ${SEND}`, "Bearer good-token", 413, "M_TOO_LARGE"],
  ["a long login", "POST /_matrix/client/v3/login", "", 413, "M_TOO_LARGE"],
];

describe("a request is refused before its body is read", () => {
  test.each(REFUSED)("%s", async (_name, line, authorization, status, errcode) => {
    const socket = (await listening())();
    // The body is announced and does not come.
    socket.write(head(line, authorization, `Content-Length: ${9 * MIB}\r\n`));
    const answer = await answerOn(socket);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toMatchObject({ errcode });
    const isForBrowsers = !line.includes("federation");
    expect(answer.head.includes("access-control-allow-origin: *")).toBe(isForBrowsers);
    if (line.includes("old-token")) expect(JSON.parse(answer.body).soft_logout).toBe(true);
    socket.destroy();
  });

  test("and also where it asks before it sends it", async () => {
    const socket = (await listening())();
    const more = `Content-Length: ${9 * MIB}\r\nExpect: 100-continue\r\n`;
    socket.write(head(`PUT ${SEND}`, "", more));
    expect((await answerOn(socket)).status).toBe(401);
    socket.destroy();
  });

  test("a body that is wanted is asked for", async () => {
    const socket = (await listening())();
    socket.write(
      head(`PUT ${SEND}`, "Bearer good-token", "Content-Length: 2\r\nExpect: 100-continue\r\n"),
    );
    const [asked] = (await inTime("100 Continue", once(socket, "data"))) as [Buffer];
    expect(asked.toString()).toContain("100 Continue");
    socket.write("{}");
    expect((await answerOn(socket)).status).toBe(200);
    socket.destroy();
  });

  test("too many requests, whoever asks", async () => {
    await startServer(routes, { limited: true });
    const port = await server.listen({ host: "127.0.0.1", port: 0 });
    for (let count = 0; count < 31; count++) {
      await server.app.inject({ method: "POST", url: "/_matrix/client/v3/login", payload: "{" });
    }
    const socket = connect(port, "127.0.0.1");
    socket.write(head("POST /_matrix/client/v3/login", "", "Content-Length: 9000\r\n"));
    expect((await answerOn(socket)).status).toBe(429);
    socket.destroy();
  });
});

describe("the answer to a refused request can be read", () => {
  test.each(["keep-alive", "close"])(
    "by a client that sends all of its body first and says %s",
    async (connection) => {
      const socket = (await listening())();
      const length = 6 * MIB;
      socket.pause();
      socket.write(
        head(`PUT ${SEND}`, "", `Content-Length: ${length}\r\nConnection: ${connection}\r\n`),
      );
      for (let sent = 0; sent < length; sent += MIB) {
        const isTaken = socket.write(Buffer.alloc(MIB, "x"));
        if (!isTaken) await inTime("the body is taken", once(socket, "drain"));
      }
      socket.resume();
      expect((await answerOn(socket)).status).toBe(401);
      if (connection === "keep-alive") {
        socket.write(head("GET /_matrix/client/versions", ""));
        expect((await answerOn(socket)).status).toBe(200);
        socket.destroy();
      } else {
        await inTime("the end of the connection", once(socket, "end"));
      }
    },
  );
});
