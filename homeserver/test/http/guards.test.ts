/** What the contract says of who may call an operation stands before its handler, and nothing starts without it. */
import Fastify from "fastify";
import { type OperationId, type OperationRow, operations } from "@weft/spec/operations";
import { describe, expect, test } from "vitest";
import { bindRoutes, type BindDependencies } from "../../src/http/bind.ts";
import { checkGuards } from "../../src/http/access/guards.ts";
import { type Route, route } from "../../src/http/route.ts";
import type { JsonObject } from "../../src/protocol/json.ts";
import { xMatrixHeader } from "../../src/federation-client/requests/signed-request.ts";
import { asAlice, HERE, PEER, peerKey } from "./support.ts";
import { server, startServer } from "./one-server.ts";

/** Those that are served here. */
const rows = Object.entries(operations as Record<OperationId, OperationRow>).filter(
  ([, { api }]) => api !== "application-service" && api !== "push-gateway",
);

describe("an operation", () => {
  test("of ours starts as it is", () => {
    expect(() => checkGuards(rows)).not.toThrow();
  });

  test.each([
    ["auth", "security"],
    ["rateClass", "x-rate-class"],
    ["closedTo", "x-closed-to"],
    ["acl", "x-acl"],
    ["bodyLimit", "x-body-limit"],
    ["bodyReading", "x-body-reading"],
  ])("that does not say its %s does not start, whichever it is", (name, written) => {
    for (const [id, row] of rows) {
      const { [name as keyof OperationRow]: _dropped, ...rest } = row;
      const where = `spec/openapi/${row.api}/${row.module}.yaml`;
      expect(() => checkGuards([[id, rest]]), id).toThrow(
        new RegExp(`^Guards: ${id} needs [^;]*${written}\\b[^;]* in ${where}`),
      );
    }
  });

  test.each([
    ["auth", "anybody"],
    // In the contract for application services, and enforced by nobody here.
    ["auth", "homeserver-token"],
    ["rateClass", "often"],
    ["rateClass", "toString"],
    ["closedTo", "anybody"],
    ["acl", "{eventId}"],
    ["acl", "none"],
    ["bodyLimit", "long"],
    ["bodyLimit", null],
    ["bodyReading", "loose"],
  ])("whose %s is %s does not start", (name, value) => {
    const row = { ...operations.makeLeave, [name]: value } as unknown as OperationRow;
    expect(() => checkGuards([["makeLeave", row]])).toThrow("makeLeave needs");
  });

  test("without guards keeps all routes from being bound", () => {
    const { rateClass: _none, ...rest } = operations.sendMessage;
    const table = { ...operations, sendMessage: rest as unknown as OperationRow };
    const routes = [route("sendMessage", () => ({})), route("login", () => ({}))];
    const app = Fastify();
    expect(() => bindRoutes(app, routes, {} as BindDependencies, table)).toThrow(
      "sendMessage needs x-rate-class in spec/openapi/client-server/room-send.yaml",
    );
    expect(app.hasRoute({ method: "POST", url: "/_matrix/client/v3/login" })).toBe(false);
  });
});

const SET_BLOCK = "/_synapse/admin/v1/rooms/!r:here.test/block";
const LEAVE = "/_matrix/federation/v2/send_leave/!r:here.test/$e";
let handled = 0;
const routes: Route[] = [
  route("setRoomBlock", () => ({ block: ++handled > 0 })),
  route("sendLeaveV2", () => ({ handled: ++handled })),
];

const put = (url: string, headers: Record<string, string>, payload: string) =>
  server.app.inject({ method: "PUT", url, headers, payload });

function signed(content: JsonObject, url = LEAVE): Record<string, string> {
  const request = { method: "PUT", uri: url, origin: PEER, destination: HERE, content };
  return { authorization: xMatrixHeader(request, peerKey) };
}

describe("what is told first", () => {
  test.each([
    ["no token", {}, "{", 401, "M_MISSING_TOKEN"],
    ["an unknown token", { authorization: "Bearer x" }, "{", 401, "M_UNKNOWN_TOKEN"],
    ["a body that is too long", asAlice, "x".repeat(70_000), 403, "M_FORBIDDEN"],
    ["no JSON", asAlice, "{", 403, "M_FORBIDDEN"],
    ["another shape", asAlice, '{"block":1}', 403, "M_FORBIDDEN"],
    ["an ordinary user", asAlice, '{"block":true}', 403, "M_FORBIDDEN"],
  ])(
    "to who is no administrator: %s",
    async (_name, headers: Record<string, string>, payload, status, errcode) => {
      await startServer(routes);
      handled = 0;
      const answer = await put(SET_BLOCK, headers, payload);
      expect([answer.statusCode, answer.json().errcode, handled]).toEqual([status, errcode, 0]);
    },
  );

  test.each([
    ["no signature", {}, LEAVE, "{}", 401, "M_UNAUTHORIZED"],
    ["another body's signature", signed({ a: 1 }), LEAVE, "{}", 401, "M_UNAUTHORIZED"],
    ["a body that is too long", signed({}), LEAVE, "x".repeat(300_000), 413, "M_TOO_LARGE"],
    ["no JSON", signed({}), LEAVE, "{", 400, "M_NOT_JSON"],
    [
      "a room that is none",
      signed({}, LEAVE.replace("!r", "r")),
      LEAVE.replace("!r", "r"),
      "{}",
      400,
      "M_INVALID_PARAM",
    ],
    ["the access list, before the shape", signed({}), LEAVE, "{}", 403, "M_FORBIDDEN"],
  ])(
    "to a server that is kept out: %s",
    async (_name, headers: Record<string, string>, url, payload, status, errcode) => {
      await startServer(routes, { aclAllows: async () => false });
      handled = 0;
      const answer = await put(url, headers, payload);
      expect([answer.statusCode, answer.json().errcode, handled]).toEqual([status, errcode, 0]);
    },
  );

  test("to a server that is let in: what is wrong with the request", async () => {
    const asked: unknown[] = [];
    const aclAllows = async (...about: unknown[]) => asked.push(about) > 0;
    await startServer(routes, { aclAllows });
    const answer = await put(LEAVE, signed({}), "{}");
    expect(answer.statusCode).toBe(400);
    expect(asked).toEqual([["!r:here.test", PEER]]);
  });
});
